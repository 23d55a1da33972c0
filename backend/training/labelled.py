"""Labelled pictures: aligned crops with label maps, from a folder of `N.png` and `N_parts.png`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage
from backend.photos.align import CropFrame, extract
from backend.photos.detect import make_detector
from backend.training.dataset import read_rgb


@dataclass(frozen=True, eq=False)
class LabelledCrop:
    """image: float32 [R, R, 3] in [-1, 1]; labels: uint8 [L, L]; valid: bool, what the photo
    covers."""

    name: str
    image: NDArray[np.float32]
    valid: NDArray[np.bool_]  # [R, R]
    labels: NDArray[np.uint8]
    labelled: NDArray[np.bool_]  # [L, L]

    def mirrored(self) -> LabelledCrop:
        """The mirror image; for parts without sides only."""
        flipped = (
            np.ascontiguousarray(a[:, ::-1])
            for a in (self.image, self.valid, self.labels, self.labelled)
        )
        return LabelledCrop(f"{self.name} mirrored", *flipped)


def read_classes(folder: Path) -> list[str]:
    """Class names by label value, from `classes.json`."""
    return list(json.loads((folder / "classes.json").read_text()))


def label_crop(
    labels: NDArray[np.uint8], frame: CropFrame, size: int, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Cut a label map uint8 [H, W] out by majority of area; uint8 and bool [size, size]."""
    planes = []
    for first in range(0, classes, 3):
        group = [(labels == c).astype(np.float32) for c in range(first, first + 3)]
        crop, valid = extract(np.dstack(group), frame, size)
        planes.append(crop)
    return np.concatenate(planes, axis=2).argmax(axis=2).astype(np.uint8), valid


def read_labelled(
    folder: Path, domain: str, resolution: int, label_resolution: int
) -> list[LabelledCrop]:
    """All labelled pictures of a folder, aligned as a user's photo would be; raises BadImage."""
    classes = read_classes(folder)
    detector = make_detector(domain, min_face=60)
    crops = []
    for path in sorted(folder.glob("*_parts.png")):
        name = path.stem.removesuffix("_parts")
        photo = read_rgb(path.with_name(f"{name}.png"))
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if labels is None or labels.shape != photo.shape[:2] or labels.max() >= len(classes):
            raise BadImage(f"{path} is not a label map of its photo with {len(classes)} classes.")
        frame = detector.find(photo)[0].frame
        image, valid = extract(photo, frame, resolution)
        cut, labelled = label_crop(labels, frame, label_resolution, len(classes))
        crops.append(LabelledCrop(name, image, valid, cut, labelled))
    if not crops:
        raise BadImage(f"{folder} holds no labelled pictures (N.png with N_parts.png).")
    return crops
