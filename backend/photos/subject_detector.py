"""Finding subjects other than faces with the small network that a bundle brings for it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import NoSubject
from backend.photos.align import CropFrame, extract
from backend.photos.detect import CentreDetector, Subject, meeting, overlap
from backend.photos.pixels import to_bytes
from protocol.geometry import Rect

FeatureReader = Callable[[NDArray[np.uint8]], list[Subject]]
"""Subjects of about `usual` pixels in uint8 [H, W, 3], sides at least 128, the surest first."""

_LARGEST = 640  # longest side that is looked at: smaller subjects are not found
_STEP = 2**0.5  # between the sizes at which a picture is looked at
_SAME = 0.5  # overlap from which on two frames show one subject
_CLOSER = 160  # pixels around a subject that are looked at again, upright


class SubjectDetector:
    """Looks at a photo at several sizes, and once more closely, upright, at what it found there."""

    def __init__(self, look: FeatureReader, usual: float) -> None:
        self._look, self._usual = look, usual

    def find(self, image: NDArray[np.uint8], selection: Rect | None = None) -> list[Subject]:
        """Subjects in `image`, uint8 [H, W, 3], that meet the selection; without one, largest
        first.

        Where there is none, the selection itself says where the subject is, and without one the
        subject fills the picture. Raises BadImage.
        """
        height, width = image.shape[:2]
        whole = CentreDetector().find(image, selection)  # refuses what is too small
        try:
            return meeting(self._search(image), selection, width, height) or whole
        except NoSubject:
            return whole

    def _search(self, image: NDArray[np.uint8]) -> list[Subject]:
        found: list[Subject] = []
        height, width = image.shape[:2]
        for side in _sides(height, width, self._usual):
            scale = side / max(height, width)
            small = _framed(image, scale)
            found += [Subject(s.frame.scaled(1 / scale), s.score) for s in self._look(small)]
        kept = _distinct(found)
        closer = _distinct([self._closer(image, subject) for subject in kept])
        return sorted(closer, key=lambda subject: -subject.frame.size)

    def _closer(self, image: NDArray[np.uint8], subject: Subject) -> Subject:
        """The same subject, its frame read once more where it stands upright at the usual size."""
        frame = subject.frame
        share = _CLOSER / self._usual  # sides of the frame that are looked at
        around = frame.part((1 - share) / 2, (1 - share) / 2, share)
        crop, _ = extract(image, around, _CLOSER)
        picture = to_bytes(crop)
        again = [s for s in self._look(picture) if _central(s.frame)]
        if not again:
            return subject
        matrix = around.to_pixels(_CLOSER)
        quad = again[0].frame.quad @ matrix[:, :2].T + matrix[:, 2]
        return Subject(CropFrame(quad), max(subject.score, again[0].score))


def _sides(height: int, width: int, usual: float) -> list[float]:
    """Longest sides to look at: from a subject that fills the picture to the smallest ones."""
    most = min(_LARGEST, 2.0 * max(height, width))  # small photos are enlarged
    side, found = usual * max(height, width) / min(height, width), []
    while side < most * _STEP**0.5:
        found.append(min(side, most))
        side *= _STEP
    return found or [most]


def _framed(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """The picture at another size, its border repeated where it is smaller than can be looked
    at."""
    height, width = (max(1, round(n * scale)) for n in image.shape[:2])
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, (width, height), interpolation=kind)
    below, right = max(128 - height, 0), max(128 - width, 0)
    return np.asarray(cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _distinct(found: list[Subject]) -> list[Subject]:
    """Each subject once, where it was found most surely."""
    kept: list[Subject] = []
    for one in sorted(found, key=lambda subject: -subject.score):
        if all(overlap(_box(one), _box(other)) < _SAME for other in kept):
            kept.append(one)
    return kept


def _box(subject: Subject) -> Rect:
    left, top = np.floor(subject.frame.quad.min(axis=0)).astype(int)
    right, bottom = np.ceil(subject.frame.quad.max(axis=0)).astype(int)
    return Rect.between(int(left), int(top), int(right), int(bottom))


def _central(frame: CropFrame) -> bool:
    """Whether a frame's centre lies in the middle of what was looked at closely."""
    away = np.abs(frame.quad.mean(axis=0) - _CLOSER / 2)
    return bool((away < _CLOSER / 4).all())
