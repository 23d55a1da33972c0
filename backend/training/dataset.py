"""Aligned training pictures: folders with `images.npy` (uint8 [N, R, R, 3]) and `names.json`, which
are cut out by the very code that aligns a user's photo; or sets that are aligned already, read
where they lie (`aligned_sources`).

Folders may differ in resolution: small photographs and large ones train one generator together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import BadImage
from backend.models.pictures import to_float
from backend.training.aligned_sources import AlignedSources
from backend.training.team import ALONE, Team

Pictures = NDArray[np.uint8] | AlignedSources

OFTEN = 10  # how many times as often the pictures of a list are drawn


class AlignedDataset:
    """Aligned pictures on disk, of which few are in memory; raises BadImage where there are none.

    names: `folder/file` of each picture; kept: the indices of those to train on, those named in
    `often` ten times, those in `draws` as often as it says.
    """

    def __init__(
        self,
        folders: Path | Sequence[Path],
        *,
        exclude: frozenset[str] = frozenset(),
        often: frozenset[str] = frozenset(),
        draws: Mapping[str, int] | None = None,
        device: str = "cpu",
    ) -> None:
        folders = [folders] if isinstance(folders, Path) else folders
        self._sets, self.names = list[Pictures](), list[str]()
        for folder in folders:
            images, names = _read(folder)
            self._sets.append(images)
            self.names += names
        counts = [len(images) for images in self._sets]
        self._starts = np.cumsum([0, *counts])
        self._sides = np.repeat([images.shape[1] for images in self._sets], counts)
        kept = [i for i, name in enumerate(self.names) if name not in exclude]
        named = [self.names[i] for i in kept]
        times = [OFTEN if n in often else (draws or {}).get(n, 1) for n in named]
        self.kept = np.repeat(np.array(kept, np.int64), times)
        self.device = torch.device(device)

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def smallest(self) -> int:
        """Side of the smallest pictures."""
        return int(self._sides.min())

    def picture(self, index: int) -> NDArray[np.uint8]:
        """The picture called `names[index]`, uint8 [R, R, 3]."""
        which = int(np.searchsorted(self._starts, index, side="right")) - 1
        return np.asarray(self._sets[which][index - self._starts[which]])

    def batch(self, indices: Sequence[int] | NDArray[np.int64], resolution: int) -> Tensor:
        """Kept pictures as float32 [B, 3, resolution, resolution] in [-1, 1]."""
        size = (resolution, resolution)
        found = []
        with ThreadPoolExecutor() as pool:  # decoding is what takes time
            pictures = list(pool.map(self.picture, self.kept[indices]))
        for picture in pictures:
            image = torch.from_numpy(picture.copy()).to(self.device)
            one = image.permute(2, 0, 1)[None].float()
            if one.shape[-1] > resolution:
                one = torch.nn.functional.interpolate(one, size=resolution, mode="area")
            elif one.shape[-1] < resolution:
                one = torch.nn.functional.interpolate(
                    one, size, mode="bilinear", align_corners=False, antialias=True
                )
            found.append(one)
        return to_float(torch.cat(found))

    def batches(
        self, size: int, resolution: int, seed: int, start: int, team: Team = ALONE
    ) -> Iterator[Tensor]:
        """Endless shuffled batches, mirrored at random; `start` pictures in, so that a run
        resumes exactly. team: whose share of each batch of `size` is read.

        All pictures of a batch have one side: the `resolution`, or half of it, a quarter ... where
        they have no more pixels themselves.
        """
        step = start // size
        per_epoch = len(self._epoch(size, seed, 0, resolution))
        while True:
            rng = np.random.default_rng([seed, step])
            epoch, offset = divmod(step, per_epoch)
            if offset == 0 or step == start // size:
                order = self._epoch(size, seed, epoch, resolution)
            chosen = order[offset]
            side = int(self._shown(resolution)[chosen[0]])
            images = self.batch(team.share(chosen), side)
            turned = team.share(rng.random(len(chosen)) < 0.5)
            mirrored = torch.from_numpy(turned.copy()).to(self.device)
            yield torch.where(mirrored[:, None, None, None], images.flip(3), images)
            step += 1

    def _shown(self, resolution: int) -> NDArray[np.int64]:
        """The side at which each kept picture is shown: none is enlarged."""
        halvings = np.ceil(np.log2(np.maximum(resolution / self._sides[self.kept], 1)))
        return resolution >> halvings.astype(np.int64)

    def _epoch(self, size: int, seed: int, epoch: int, resolution: int) -> list[NDArray[np.int64]]:
        """All pictures once, in shuffled batches of one side each; what is left over waits for
        another epoch, except where a side has less than one batch."""
        rng = np.random.default_rng([seed, epoch, 1])
        sides = self._shown(resolution)
        found: list[NDArray[np.int64]] = []
        for side in np.unique(sides):
            order = rng.permutation(np.flatnonzero(sides == side))
            whole = max(len(order) // size, 1) * size
            found += np.array_split(np.resize(order, whole), whole // size)
        return [found[i] for i in rng.permutation(len(found))]


def _read(folder: Path) -> tuple[Pictures, list[str]]:
    """The pictures of a folder or an archive, and their names; raises BadImage."""
    path = folder / "images.npy"
    if not path.is_file():
        found = AlignedSources(folder)
        return found, found.names
    try:
        images = np.load(path, mmap_mode="r")
        names = [str(name) for name in json.loads((folder / "names.json").read_text())]
    except (OSError, ValueError) as error:
        raise BadImage(
            f"The aligned pictures in {folder} are damaged ({error}); align them again."
        ) from error
    if images.ndim != 4 or images.dtype != np.uint8 or len(images) != len(names):
        raise BadImage(f"{folder} does not hold one name for each picture; align them again.")
    return images, names


def read_draws(path: Path) -> dict[str, int]:
    """How often pictures are drawn, by name, as `editgan train balance` writes it; raises
    BadImage."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): int(times) for name, times in found.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise BadImage(f"{path} does not say how often to draw which picture ({error}).") from error
