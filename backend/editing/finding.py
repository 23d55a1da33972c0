"""What finds a bundle's subjects in photos."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from functools import cache
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_from
from backend.models.perceptual import SqueezeNetFeatures
from backend.models.pictures import to_float
from backend.models.subject_map import USUAL, SubjectHead, cells_of, decode
from backend.photos.align import CropFrame
from backend.photos.detect import Subject, UprightCheck, make_detector
from backend.photos.subject_detector import SubjectDetector
from protocol.geometry import Rect

_THRESHOLD = 0.5  # heat from which on a subject counts as found
_REMEMBERED = 16  # pictures whose subjects are kept: those of the photos that one works on


class Detector(Protocol):
    def find(self, image: NDArray[np.uint8], selection: Rect | None = None) -> list[Subject]:
        """Subjects in uint8 [H, W, 3] that meet the selection; without one, largest first."""


class Remembering:
    """A detector that is asked about the same picture once: every command in GIMP finds the photo's
    subjects anew."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._found: OrderedDict[tuple[bytes, Rect | None], list[Subject]] = OrderedDict()

    def find(self, image: NDArray[np.uint8], selection: Rect | None = None) -> list[Subject]:
        picture = hashlib.sha256(np.ascontiguousarray(image).data)
        picture.update(repr(image.shape).encode())
        key = picture.digest(), selection
        if key not in self._found:
            self._found[key] = self._detector.find(image, selection)
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        self._found.move_to_end(key)
        return list(self._found[key])


def finds_subjects(bundle: Bundle) -> bool:
    """Whether its subjects are looked for; else the selection is taken, or the whole photo."""
    return _brings_one(bundle) or bundle.domain == "faces"


def _brings_one(bundle: Bundle) -> bool:
    return bundle.has("detector") and bundle.has("perceptual")


def detector_of(bundle: Bundle, judge: UprightCheck | None = None) -> Detector:
    """The bundle's own detector where it brings one, otherwise what its domain has; judge: of faces
    the right way up."""
    if not _brings_one(bundle):
        return make_detector(bundle.domain, aspect=bundle.aspect, whole=bundle.whole, judge=judge)

    @cache  # at the first photo: a bundle is often opened for samples only
    def networks() -> tuple[SqueezeNetFeatures, SubjectHead]:
        features = load_from(SqueezeNetFeatures, bundle.checked_path("perceptual"))
        path = bundle.checked_path("detector")
        return features, load_from(lambda weights: SubjectHead(weights=weights), path)

    def look(image: NDArray[np.uint8]) -> list[Subject]:
        features, head = networks()
        picture = to_float(torch.from_numpy(image).permute(2, 0, 1)[None])
        with torch.no_grad():
            found = decode(head(cells_of(features, picture))[0], _THRESHOLD)
        rows = zip(found.score.tolist(), found.centre.numpy(), found.half.numpy(), strict=True)
        return [Subject(CropFrame.from_axes(c, h), score) for score, c, h in rows]

    return SubjectDetector(look, USUAL)
