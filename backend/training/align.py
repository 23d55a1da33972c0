"""`editgan train align`: cut aligned training pictures out of photos, as a user's photo would
be."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from backend.commands.arguments import positive
from backend.errors import BadImage
from backend.photos.align import extract
from backend.photos.folder import find_images, photo_name, read_rgb
from backend.photos.pixels import to_bytes
from protocol.errors import UserError


def _align_one(path: Path, domain: str, resolution: int) -> NDArray[np.uint8] | None:
    image = read_rgb(path)
    try:
        subject = _detector(domain).find(image)[0]
    except UserError:
        return None
    crop, valid = extract(image, subject.frame, resolution)
    if valid.mean() < 0.9 or subject.frame.size < resolution / 2:
        return None  # mostly padding, or enlarged beyond what it holds
    return to_bytes(crop)


_detectors: dict[str, object] = {}  # one per worker process: loading it takes longer than using it


def _detector(domain: str) -> Any:
    from backend.photos.detect import make_detector

    if domain not in _detectors:
        torch.set_num_threads(1)
        _detectors[domain] = make_detector(domain, min_face=60)
    return _detectors[domain]


def align(
    images: Sequence[Path],
    output: Path,
    domain: str,
    resolution: int,
    workers: int,
    *,
    quiet: bool = False,
) -> int:
    """Align all pictures below `images` into `output`; returns how many were kept."""
    paths = find_images(images)
    output.mkdir(parents=True, exist_ok=True)
    crops, names = [], []
    with ProcessPoolExecutor(workers) as pool:
        results = pool.map(
            _align_one, paths, [domain] * len(paths), [resolution] * len(paths), chunksize=32
        )
        shown = tqdm(results, total=len(paths), unit="img", disable=quiet)
        for path, crop in zip(paths, shown, strict=True):
            if crop is not None:
                crops.append(crop)
                names.append(photo_name(path))
    if not crops:
        raise BadImage("None of these photos shows a subject that is large enough; use others.")
    np.save(output / "images.npy", np.stack(crops))
    (output / "names.json").write_text(json.dumps(names))
    return len(crops)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, nargs="+", required=True, help="folders of photos")
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder to write")
    parser.add_argument("--domain", default="faces", help="faces: detected; others: middle square")
    parser.add_argument("--resolution", type=positive, default=128)
    parser.add_argument("--workers", type=positive, default=2)


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train align`."""
    size = args.resolution
    kept = align(args.images, args.output, args.domain, size, args.workers, quiet=args.quiet)
    return {"kept": kept, "output": str(args.output)}
