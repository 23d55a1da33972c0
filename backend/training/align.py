"""Cutting aligned training pictures out of photos, as a user's photo would be."""

from __future__ import annotations

import itertools
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from backend.errors import BadImage
from backend.photos.align import extract
from backend.photos.folder import find_images, photo_name, read_rgb
from backend.photos.pixels import to_bytes
from backend.training.aligned_file import AlignedFile
from backend.training.labelled import is_label_map
from protocol.errors import UserError

_COVERED = 0.9  # of a crop: more lies in the photo, less would be padding
_ENLARGED = 2.0  # how many pixels of a crop may come from one of the photo, along a side
_AHEAD = 8  # photos for each worker that are under way at once


def _align_one(path: Path, domain: str, resolution: int) -> NDArray[np.uint8] | str:
    """The crop uint8 [R, R, 3], or why there is none."""
    try:
        image = read_rgb(path)
    except BadImage:
        return "cannot be read"
    if min(image.shape[:2]) * _ENLARGED < resolution:
        return "too small"
    try:
        subject = _detector(domain).find(image)[0]
    except UserError:
        return "no subject found"
    crop, valid = extract(image, subject.frame, resolution)
    if valid.mean() < _COVERED:
        return "mostly outside the picture"
    if subject.frame.size * _ENLARGED < resolution:
        return "too small"
    return to_bytes(crop)


@cache  # in each worker process: loading it takes longer than using it
def _detector(domain: str) -> Any:
    from backend.photos.detect import make_detector

    torch.set_num_threads(1)
    return make_detector(domain, min_face=60)


def align(
    images: Sequence[Path],
    output: Path,
    domain: str,
    resolution: int,
    workers: int,
    *,
    quiet: bool = False,
) -> tuple[int, dict[str, int]]:
    """Align all pictures below `images` into `output`; returns how many are there now, and how many
    were skipped by reason.

    What was cut out is on the disk at once: an interrupted run goes on with the photos that are
    left. Raises BadImage where no photo serves.
    """
    paths = [path for path in find_images(images) if not is_label_map(path)]
    with AlignedFile(output, resolution) as file:
        left = [path for path in paths if photo_name(path) not in file.outcomes]
        shown = tqdm(
            total=len(paths), initial=len(paths) - len(left), unit="img", disable=quiet or None
        )
        for name, found in _aligned(left, domain, resolution, workers):
            if isinstance(found, str):
                file.skip(name, found)
                if not quiet:
                    shown.write(f"{name}: {found}", sys.stderr)
            else:
                file.add(name, found)
            shown.update()
        skipped = Counter(reason for reason in file.outcomes.values() if reason)
        kept = len(file.outcomes) - skipped.total()
    if not kept:
        raise BadImage(
            "None of these photos shows a subject that is large enough; use others. "
            f"Why, photo by photo: {output / AlignedFile.OUTCOMES}."
        )
    return kept, dict(skipped)


def _aligned(
    paths: Sequence[Path], domain: str, resolution: int, workers: int
) -> Iterator[tuple[str, NDArray[np.uint8] | str]]:
    """Names, and what `_align_one` gives, in order; few crops are in memory at once."""
    pool, left = ProcessPoolExecutor(workers), iter(paths)
    try:
        waiting: deque[tuple[str, Future[NDArray[np.uint8] | str]]] = deque()
        while True:
            for path in itertools.islice(left, workers * _AHEAD - len(waiting)):
                job = pool.submit(_align_one, path, domain, resolution)
                waiting.append((photo_name(path), job))
            if not waiting:
                return
            name, job = waiting.popleft()
            yield name, job.result()
    finally:
        pool.shutdown(cancel_futures=True)  # interrupted: what was not begun never is
