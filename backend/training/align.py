"""Cutting aligned training pictures out of photos, as a user's photo would be."""

from __future__ import annotations

import itertools
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from backend.editing.cutting import cut_out
from backend.errors import BadImage
from backend.photos.align import within_aspect
from backend.photos.cv import resize
from backend.photos.detect import make_detector
from backend.photos.pixels import to_bytes
from backend.training.aligned_file import AlignedFile
from backend.training.sources import PictureSource, find_sources
from protocol.errors import UserError

_COVERED = 0.9  # of a crop: more lies in the photo, less would be padding
_ENLARGED = 2.0  # how many pixels of a crop may come from one of the photo, along a side
_AHEAD = 8  # photos for each worker that are under way at once


@dataclass(frozen=True)
class Framing:
    """How pictures are cut out: the domain says how subjects are found, "aligned" that they are cut
    out already; resolution: pixels; aspect: width by height of what is between bars; whole: each
    picture is one subject's box, and is shown whole, grey beyond it."""

    domain: str
    resolution: int
    aspect: float = 1.0
    whole: bool = False


ALIGNED = "aligned"


def _align_one(source: PictureSource, framing: Framing) -> NDArray[np.uint8] | str:
    """The crop uint8 [R, R, 3], or why there is none."""
    resolution = framing.resolution
    try:
        image = source.read()
    except BadImage:
        return "cannot be read"
    if min(image.shape[:2]) * _ENLARGED < resolution:
        return "too small"
    if framing.domain == ALIGNED:
        return _as_it_is(image, resolution)
    try:
        subject = _detector(framing.domain, framing.aspect, framing.whole).find(image)[0]
    except UserError:
        return "no subject found"
    crop, valid = cut_out(image, subject.frame, resolution, framing.aspect, whole=framing.whole)
    between = within_aspect(resolution, framing.aspect)
    if not framing.whole and valid.sum() < _COVERED * between.sum():
        return "mostly outside the picture"
    if subject.frame.size * _ENLARGED < resolution:
        return "too small"
    return to_bytes(crop)


def _as_it_is(image: NDArray[np.uint8], resolution: int) -> NDArray[np.uint8] | str:
    if image.shape[0] != image.shape[1]:
        return "not square"
    if len(image) < resolution:
        return "too small"
    return resize(image, (resolution, resolution), cv2.INTER_AREA)


@cache  # in each worker process: loading it takes longer than using it
def _detector(domain: str, aspect: float, whole: bool) -> Any:
    torch.set_num_threads(1)
    return make_detector(domain, aspect=aspect, whole=whole, min_face=60)


def align(
    images: Sequence[Path],
    output: Path,
    framing: Framing,
    workers: int,
    *,
    quiet: bool = False,
) -> tuple[int, dict[str, int]]:
    """Align all pictures of folders and archives into `output`; returns how many are there now, and
    how many were skipped by reason.

    What was cut out is on the disk at once: an interrupted run resumes with the photos that are
    left. Raises BadImage where no photo serves.
    """
    sources = list(find_sources(images))
    with AlignedFile(output, framing.resolution) as file:
        left = [source for source in sources if source.name not in file.outcomes]
        shown = tqdm(
            total=len(sources), initial=len(sources) - len(left), unit="img", disable=quiet or None
        )
        for name, found in _aligned(left, framing, workers):
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
    sources: Sequence[PictureSource], framing: Framing, workers: int
) -> Iterator[tuple[str, NDArray[np.uint8] | str]]:
    """Names, and what `_align_one` gives, in order; few crops are in memory at once."""
    pool, left = ProcessPoolExecutor(workers), iter(sources)
    try:
        waiting: deque[tuple[str, Future[NDArray[np.uint8] | str]]] = deque()
        while True:
            for source in itertools.islice(left, workers * _AHEAD - len(waiting)):
                waiting.append((source.name, pool.submit(_align_one, source, framing)))
            if not waiting:
                return
            name, job = waiting.popleft()
            yield name, job.result()
    finally:
        pool.shutdown(cancel_futures=True)  # interrupted: what was not begun never is
