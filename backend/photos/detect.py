"""Finding subjects in a photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage, NoSubject
from backend.photos.align import CropFrame, face_frame

_WORKING_SIZE = 640  # longest side for detection; a face then spans at least 20 px to be found
_SMALLEST_PHOTO = 32


@dataclass(frozen=True, eq=False)
class Subject:
    """A subject's frame in photo pixels and the detector's confidence, 0..1."""

    frame: CropFrame
    score: float


class FaceDetector:
    """MTCNN (Zhang et al. 2016), whose weights come with facenet-pytorch: boxes and five
    landmarks."""

    def __init__(self, *, min_face: int = 20, threshold: float = 0.9) -> None:
        from facenet_pytorch import MTCNN  # imports torch: only when a face is looked for

        self._mtcnn = MTCNN(keep_all=True, min_face_size=min_face, device="cpu")
        self._threshold = threshold

    def find(self, image: NDArray[np.uint8]) -> list[Subject]:
        """Faces in `image`, uint8 [H, W, 3], largest first.

        Raises BadImage when the picture is too small to hold a face, NoSubject when none is found.
        """
        height, width = image.shape[:2]
        if min(height, width) < _SMALLEST_PHOTO:
            raise BadImage(
                f"The picture has only {width} x {height} pixels; "
                f"faces need at least {_SMALLEST_PHOTO} on each side."
            )
        scale = min(1.0, _WORKING_SIZE / max(height, width))
        small = image
        if scale < 1:
            new = (round(width * scale), round(height * scale))
            small = cv2.resize(image, new, interpolation=cv2.INTER_AREA)
        boxes, scores, points = self._mtcnn.detect(np.ascontiguousarray(small), landmarks=True)
        found = (
            [
                (
                    float((box[2] - box[0]) * (box[3] - box[1])),
                    Subject(face_frame(p / scale), float(s)),
                )
                for box, s, p in zip(boxes, scores, points, strict=True)
                if s >= self._threshold
            ]
            if boxes is not None
            else []
        )
        if not found:
            raise NoSubject(
                "No face was found. Choose a photo in which a face is visible and at least "
                "about 20 pixels wide, or select the face first."
            )
        return [subject for _, subject in sorted(found, key=lambda item: -item[0])]


class CentreDetector:
    """For domains without a detector: the largest centred square."""

    def find(self, image: NDArray[np.uint8]) -> list[Subject]:
        """One subject, the middle square of `image`, uint8 [H, W, 3]."""
        height, width = image.shape[:2]
        if min(height, width) < _SMALLEST_PHOTO:
            raise BadImage(f"The picture has only {width} x {height} pixels; that is too small.")
        half = min(height, width) / 2
        centre = np.array([width / 2, height / 2])
        return [Subject(CropFrame.from_axes(centre, np.array([half, 0.0])), 1.0)]


def make_detector(domain: str, *, min_face: int = 20) -> FaceDetector | CentreDetector:
    """The detector for a domain: faces are found, pre-cropped domains use the middle square."""
    return FaceDetector(min_face=min_face) if domain == "faces" else CentreDetector()
