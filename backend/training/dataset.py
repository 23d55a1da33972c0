"""Aligned training pictures: one folder with `images.npy` (uint8 [N, R, R, 3]) and `names.json`.

They are cut out by the very code that aligns a user's photo.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from backend.errors import BadImage, EditGanError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An 8-bit picture, uint8 [H, W, 3]; raises BadImage."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise BadImage(f"{path} is not a picture that can be read.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def find_images(folders: Sequence[Path]) -> list[Path]:
    """All pictures below the folders, in a stable order."""
    found = [p for f in folders for p in f.rglob("*") if p.suffix.lower() in SUFFIXES]
    return sorted(found, key=lambda p: (p.parent.name, p.name))


class AlignedDataset:
    """Aligned pictures on disk, read through a memory map.

    images: uint8 [N, R, R, 3]; names: `folder/file` of each picture.
    """

    def __init__(self, folder: Path, *, exclude: frozenset[str] = frozenset()) -> None:
        self.images: NDArray[np.uint8] = np.load(folder / "images.npy", mmap_mode="r")
        self.names: list[str] = json.loads((folder / "names.json").read_text())
        self.kept = np.array([i for i, n in enumerate(self.names) if n not in exclude])

    def __len__(self) -> int:
        return len(self.kept)

    def batch(self, indices: NDArray[np.int64], resolution: int) -> Tensor:
        """Pictures as float32 [B, 3, resolution, resolution] in [-1, 1]."""
        images = torch.from_numpy(self.images[self.kept[indices]]).permute(0, 3, 1, 2).float()
        if images.shape[-1] != resolution:
            images = torch.nn.functional.interpolate(images, size=resolution, mode="area")
        return images / 127.5 - 1

    def batches(self, size: int, resolution: int, seed: int, start: int) -> Iterator[Tensor]:
        """Endless shuffled batches, mirrored at random; `start` pictures in, so that a run
        resumes exactly."""
        step = start // size
        while True:
            rng = np.random.default_rng([seed, step])
            epoch, offset = divmod(step * size, max(len(self) - size, 1))
            order = np.random.default_rng([seed, epoch, 1]).permutation(len(self))
            images = self.batch(order[offset : offset + size], resolution)
            mirrored = torch.from_numpy(rng.random(len(images)) < 0.5)[:, None, None, None]
            yield torch.where(mirrored, images.flip(3), images)
            step += 1


def _align_one(path: Path, domain: str, resolution: int) -> NDArray[np.uint8] | None:
    from backend.photos.align import extract

    image = read_rgb(path)
    try:
        subject = _detector(domain).find(image)[0]
    except EditGanError:
        return None
    crop, valid = extract(image, subject.frame, resolution)
    if valid.mean() < 0.9 or subject.frame.size < resolution / 2:
        return None  # mostly padding, or enlarged beyond what it holds
    return np.round((crop + 1) * 127.5).astype(np.uint8)


_detectors: dict[str, object] = {}  # one per worker process: loading it takes longer than using it


def _detector(domain: str) -> Any:
    from backend.photos.detect import make_detector

    if domain not in _detectors:
        torch.set_num_threads(1)
        _detectors[domain] = make_detector(domain, min_face=60)
    return _detectors[domain]


def align(images: Sequence[Path], output: Path, domain: str, resolution: int, workers: int) -> int:
    """Align all pictures below `images` into `output`; returns how many were kept."""
    paths = find_images(images)
    if not paths:
        raise BadImage(f"No pictures below {', '.join(map(str, images))}.")
    output.mkdir(parents=True, exist_ok=True)
    crops, names = [], []
    with ProcessPoolExecutor(workers) as pool:
        results = pool.map(
            _align_one, paths, [domain] * len(paths), [resolution] * len(paths), chunksize=32
        )
        for path, crop in zip(paths, tqdm(results, total=len(paths), unit="img"), strict=True):
            if crop is not None:
                crops.append(crop)
                names.append(f"{path.parent.name}/{path.name}")
    np.save(output / "images.npy", np.stack(crops))
    (output / "names.json").write_text(json.dumps(names))
    return len(crops)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, nargs="+", required=True, help="folders of photos")
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder to write")
    parser.add_argument("--domain", default="faces", help="faces: detected; others: middle square")
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--workers", type=int, default=2)


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train align`."""
    kept = align(args.images, args.output, args.domain, args.resolution, args.workers)
    return {"kept": kept, "output": str(args.output)}
