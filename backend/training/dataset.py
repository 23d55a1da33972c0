"""Aligned training pictures: one folder with `images.npy` (uint8 [N, R, R, 3]) and `names.json`.

They are cut out by the very code that aligns a user's photo.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import BadImage
from backend.models.pictures import to_float


class AlignedDataset:
    """Aligned pictures on disk, read through a memory map; raises BadImage where there are none.

    images: uint8 [N, R, R, 3]; names: `folder/file` of each picture.
    """

    def __init__(
        self, folder: Path, *, exclude: frozenset[str] = frozenset(), device: str = "cpu"
    ) -> None:
        path = folder / "images.npy"
        if not path.is_file():
            raise BadImage(f"{folder} holds no aligned pictures; 'editgan train align' makes them.")
        self.images: NDArray[np.uint8] = np.load(path, mmap_mode="r")
        self.names: list[str] = json.loads((folder / "names.json").read_text())
        self.kept = np.array([i for i, n in enumerate(self.names) if n not in exclude])
        self.device = torch.device(device)

    def __len__(self) -> int:
        return len(self.kept)

    def batch(self, indices: NDArray[np.int64], resolution: int) -> Tensor:
        """Pictures as float32 [B, 3, resolution, resolution] in [-1, 1]."""
        images = torch.from_numpy(self.images[self.kept[indices]]).to(self.device)
        images = images.permute(0, 3, 1, 2).float()
        if images.shape[-1] != resolution:
            images = torch.nn.functional.interpolate(images, size=resolution, mode="area")
        return to_float(images)

    def batches(self, size: int, resolution: int, seed: int, start: int) -> Iterator[Tensor]:
        """Endless shuffled batches, mirrored at random; `start` pictures in, so that a run
        resumes exactly."""
        step = start // size
        while True:
            rng = np.random.default_rng([seed, step])
            epoch, offset = divmod(step * size, max(len(self) - size, 1))
            order = np.random.default_rng([seed, epoch, 1]).permutation(len(self))
            images = self.batch(order[offset : offset + size], resolution)
            mirrored = torch.from_numpy(rng.random(len(images)) < 0.5).to(self.device)
            yield torch.where(mirrored[:, None, None, None], images.flip(3), images)
            step += 1
