"""Finding subjects in a photo.

A selection is a rectangle in the picture: x, y, width, height.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage, NoSubject
from backend.photos.align import CropFrame, face_frame
from backend.photos.cv import resize
from protocol.geometry import Rect

_WORKING_SIZE = 640  # longest side for detection; a face then spans at least 20 px to be found
_CLOSER_SIZE = 1600  # where what is found is small: a crowd, or somebody far away
_SMALL = 0.2  # of the longest side: frames below that are small, faces half as wide
_SMALLEST_PHOTO = 32
_SURE = 0.98  # confidence below which a photo is also looked at on its side
_PLAUSIBLE = 0.75  # a judge's mark below which it is looked at on its side too
_SAME = 0.5  # overlap from which two findings are one face
_JUDGED = 3  # of the upright faces, the largest ones: a crowd would take seconds

UprightCheck = Callable[[NDArray[np.uint8], CropFrame], float]
"""How much what a frame of a picture shows looks like a face the right way up, 0..1."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A subject's frame in photo pixels and the detector's confidence, 0..1."""

    frame: CropFrame
    score: float


def overlap(a: Rect, b: Rect) -> float:
    """The shared area of two rectangles, as a share of the smaller one."""
    return a.intersected(b).area / max(min(a.area, b.area), 1)


def meeting(
    subjects: list[Subject], selection: Rect | None, width: int, height: int
) -> list[Subject]:
    """The subjects that meet the selection in a picture of this size, those that meet it most
    first; all when it is None. Raises NoSubject."""
    if selection is None:
        return subjects
    share = [overlap(s.frame.bounds(0.0, width, height), selection) for s in subjects]
    met = sorted(
        (pair for pair in zip(share, subjects, strict=True) if pair[0] > 0), key=lambda p: -p[0]
    )
    if not met:
        raise NoSubject(
            "No subject was found in the selection; select the whole subject, or nothing."
        )
    return [subject for _, subject in met]


class FaceDetector:
    """MTCNN (Zhang et al. 2016), whose weights come with facenet-pytorch: boxes and five
    landmarks.

    It is often as sure of a face upside down as of an upright one. With a `judge`, all ways up are
    compared where the upright findings do not convince it.
    """

    def __init__(
        self, *, min_face: int = 20, threshold: float = 0.9, judge: UprightCheck | None = None
    ) -> None:
        from facenet_pytorch import MTCNN  # imports torch: only when a face is looked for

        self._mtcnn = MTCNN(keep_all=True, min_face_size=min_face, device="cpu")
        self._threshold = threshold
        self._judge = judge

    def find(self, image: NDArray[np.uint8], selection: Rect | None = None) -> list[Subject]:
        """Faces in `image`, uint8 [H, W, 3], that meet the selection; without one, largest first.

        Where those are small, or there are none, a large picture is looked at more closely. Raises
        BadImage when the picture is too small to hold a face, NoSubject when none is found.
        """
        height, width = image.shape[:2]
        if min(height, width) < _SMALLEST_PHOTO:
            raise BadImage(
                f"The picture has only {width} x {height} pixels; "
                f"faces need at least {_SMALLEST_PHOTO} on each side."
            )
        found = _at(_WORKING_SIZE, image, self._search)
        largest, side = max((s.frame.size for s in found), default=0.0), max(height, width)
        if largest < _SMALL * side and side > _WORKING_SIZE:
            closer = _at(_CLOSER_SIZE, image, lambda larger: self._look(larger, 0, _SURE))
            found = max(found, closer, key=len)
        if not found:
            raise NoSubject(
                "No face was found. Choose a photo in which a face is visible, and at least a "
                "fiftieth of the photo wide."
            )
        by_size = sorted(found, key=lambda subject: -subject.frame.size)
        return meeting(by_size, selection, width, height)

    def _search(self, image: NDArray[np.uint8]) -> list[Subject]:
        """Faces; in a photo that lies on its side, as cameras leave them, those are found too."""
        upright = self._look(image, 0, self._threshold)
        if self._convincing(image, upright):
            return upright
        turned = [self._look(image, turns, _SURE) for turns in (1, 2, 3)]
        if self._judge is None:
            return max(upright, *turned, key=_best)
        found = [*upright, *chain.from_iterable(turned)]
        return right_way_up(image, found, self._judge)

    def _convincing(self, image: NDArray[np.uint8], upright: list[Subject]) -> bool:
        if _best(upright) < _SURE:
            return False
        largest = sorted(upright, key=lambda subject: -subject.frame.size)[:_JUDGED]
        judge = self._judge
        return judge is None or all(judge(image, s.frame) >= _PLAUSIBLE for s in largest)

    def _look(self, image: NDArray[np.uint8], turns: int, threshold: float) -> list[Subject]:
        """Faces in `image` after that many quarter turns, their frames in `image` as it is."""
        turned = np.ascontiguousarray(np.rot90(image, turns))
        boxes, scores, points = self._mtcnn.detect(turned, landmarks=True)
        if boxes is None:
            return []
        size = image.shape[1], image.shape[0]
        return [
            Subject(face_frame(turned_back(five, turns, size)), float(score))
            for score, five in zip(scores, points, strict=True)
            if score >= threshold
        ]


def _at(
    side: int, image: NDArray[np.uint8], search: Callable[[NDArray[np.uint8]], list[Subject]]
) -> list[Subject]:
    """What a search finds in `image` [H, W, 3], shrunk to at most `side`, in its own pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale == 1:
        return search(image)
    small = resize(image, (round(width * scale), round(height * scale)), cv2.INTER_AREA)
    return [Subject(s.frame.scaled(1 / scale), s.score) for s in search(small)]


def _best(found: list[Subject]) -> float:
    return max((subject.score for subject in found), default=0.0)


def right_way_up(
    image: NDArray[np.uint8], found: list[Subject], judge: UprightCheck
) -> list[Subject]:
    """Each face once, the way up that the judge likes best, of findings at all turns of a
    picture."""
    height, width = image.shape[:2]
    marks = [(judge(image, s.frame) * s.score, s) for s in found]
    kept: list[Subject] = []
    for _, subject in sorted(marks, key=lambda pair: -pair[0]):
        bounds = subject.frame.bounds(0.0, width, height)
        if all(overlap(bounds, k.frame.bounds(0.0, width, height)) < _SAME for k in kept):
            kept.append(subject)
    return kept


def turned_back(
    points: NDArray[np.floating], turns: int, size: tuple[int, int]
) -> NDArray[np.floating]:
    """Where `points` [n, 2] of np.rot90(image, turns) lie in the image of that size (w, h)."""
    for turn in reversed(range(turns)):
        width = size[turn % 2]  # of the image before that turn
        points = np.stack([width - points[:, 1], points[:, 0]], axis=1)
    return points


class CentreDetector:
    """For domains without a detector: the selection says where the subject is, or else it fills
    the picture. aspect: width by height of what the crop shows between its bars. whole: a picture
    in which nothing is selected is shown whole, else the largest rectangle that fills the crop."""

    def __init__(self, aspect: float = 1.0, *, whole: bool = False) -> None:
        self._aspect, self._whole = aspect, whole

    def find(self, image: NDArray[np.uint8], selection: Rect | None = None) -> list[Subject]:
        """One subject in `image`, uint8 [H, W, 3]: the square around the selection, or around the
        picture, or its largest centred rectangle of the aspect. Raises BadImage."""
        height, width = image.shape[:2]
        if min(height, width) < _SMALLEST_PHOTO:
            raise BadImage(f"The picture has only {width} x {height} pixels; that is too small.")
        if selection is None and self._whole:
            selection = Rect(0, 0, width, height)
        if selection is None:
            x, y, w, h = 0, 0, width, height
            shown = min(width, height * self._aspect)  # between the bars all is photo
        else:
            x, y, w, h = selection
            shown = max(w, h * self._aspect)
        half = max(shown, shown / self._aspect) / 2
        centre = np.array([x + w / 2, y + h / 2])
        return [Subject(CropFrame.from_axes(centre, np.array([half, 0.0])), 1.0)]


def make_detector(
    domain: str,
    *,
    aspect: float = 1.0,
    whole: bool = False,
    min_face: int = 20,
    judge: UprightCheck | None = None,
) -> FaceDetector | CentreDetector:
    """The detector for a domain: faces are found; other subjects are selected or fill the
    picture."""
    if domain != "faces":
        return CentreDetector(aspect, whole=whole)
    return FaceDetector(min_face=min_face, judge=judge)
