"""Hand-labelled faces for the parser: cut out once, as a user's photo would be, with a margin.

The margin lets augmentation shift, turn and scale a crop without running out of photo.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backend.errors import BadImage, NoSubject
from backend.models.parser import CLASSES
from backend.photos.align import CropFrame, centred, extract
from backend.photos.cv import resize, warp_affine
from backend.photos.detect import FaceDetector
from backend.training.labelled import UNLABELLED, LabelSet, as_parts
from backend.training.part_names import own_sides

SIDE = 384  # of a crop with its margin, pixels
MARGIN = 1.2  # its side, in sides of the frame


@dataclass(frozen=True, eq=False)
class FaceParts:
    """Crops on disk: images uint8 [N, SIDE, SIDE, 3], labels uint8 [N, SIDE, SIDE] (class of
    CLASSES, or UNLABELLED) and their names; skipped: of photos that cannot be used."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: Path, cache: Path, *, quiet: bool = False) -> FaceParts:
        """The labelled photos in a folder, cut out now or by an earlier run; raises BadImage."""
        if not (cache / "photos.json").is_file():
            _cut_all(source, cache, quiet=quiet)
        images, labels = (np.load(cache / f"{n}.npy", mmap_mode="r") for n in ("images", "labels"))
        names = json.loads((cache / "photos.json").read_text())
        return cls(images, labels, tuple(names["cut"]), tuple(names["skipped"]))

    def indices(self, names: frozenset[str], *, among: bool) -> NDArray[np.int64]:
        """Which crops are among `names`, or are not."""
        return np.array([i for i, n in enumerate(self.names) if (n in names) == among])

    def without_margin(self, index: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A crop as the product frames it: uint8 [size, size, 3] and labels [size, size]."""
        first = round((1 - 1 / MARGIN) / 2 * SIDE)
        inner = slice(first, SIDE - first)
        image, labels = self.images[index, inner, inner], self.labels[index, inner, inner]
        area = (size, size)
        return resize(image, area, cv2.INTER_AREA), resize(labels, area, cv2.INTER_NEAREST)


def _cut_all(source: Path, cache: Path, *, quiet: bool) -> None:
    label_set = LabelSet.open(source, source)
    detector, crops, skipped = FaceDetector(min_face=50), [], list[str]()
    shown = tqdm(label_set.pairs(skipped), total=len(label_set.names()), disable=quiet or None)
    for name, photo, classes in shown:
        labels = own_sides(as_parts(classes, label_set.classes, CLASSES), CLASSES)
        try:
            frame = _frame(photo, labels, detector).part(*_WITH_MARGIN)
        except BadImage:  # of a few pixels
            skipped.append(name)
            continue
        image, _ = extract(photo, frame, SIDE)
        cut = _cut_labels(labels, frame)
        crops.append((name, np.round((image + 1) * 127.5).astype(np.uint8), cut))
    if not crops:
        raise BadImage(f"None of the {len(skipped)} photos in {source} can be used.")
    cache.mkdir(parents=True, exist_ok=True)
    np.save(cache / "images.npy", np.stack([image for _, image, _ in crops]))
    np.save(cache / "labels.npy", np.stack([labels for *_, labels in crops]))
    found = {"cut": [name for name, *_ in crops], "skipped": skipped}
    (cache / "photos.json").write_text(json.dumps(found))


def _cut_labels(labels: NDArray[np.uint8], frame: CropFrame) -> NDArray[np.uint8]:
    """The labels in a frame, uint8 [SIDE, SIDE]; UNLABELLED beyond the photo."""
    matrix, flags = centred(frame.to_pixels(SIDE)), cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return warp_affine(labels, matrix, (SIDE, SIDE), flags=flags, outside=UNLABELLED)


_WITH_MARGIN = ((1 - MARGIN) / 2, (1 - MARGIN) / 2, MARGIN)


def _frame(
    photo: NDArray[np.uint8], labels: NDArray[np.uint8], detector: FaceDetector
) -> CropFrame:
    """The frame of the face that is labelled; the whole photo where the detector finds none of
    it: these photos are portraits cut out before."""
    rows, columns = np.nonzero(labels == CLASSES.index("skin"))
    height, width = labels.shape
    whole = CropFrame.of_whole(width, height)
    try:
        small = resize(photo, (round(width / 2), round(height / 2)), cv2.INTER_AREA)
        found = [subject.frame.scaled(2) for subject in detector.find(small)]
    except NoSubject:
        return whole
    middle = np.array([columns.mean(), rows.mean()])
    nearest = min(found, key=lambda f: float(np.linalg.norm(f.quad.mean(axis=0) - middle)))
    off = float(np.linalg.norm(nearest.quad.mean(axis=0) - middle)) / nearest.size
    return nearest if off < 0.25 else whole
