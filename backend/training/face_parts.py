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
from backend.models.parser import CLASSES, MIRRORED
from backend.photos.align import CropFrame, centred, extract
from backend.photos.cv import resize, warp_affine
from backend.photos.detect import FaceDetector
from backend.training.labelled import UNLABELLED, LabelSet

SIDE = 384  # of a crop with its margin, pixels
MARGIN = 1.2  # its side, in sides of the frame
_PAIRS = tuple((n, f"right {n[5:]}") for n in CLASSES if n.startswith("left "))


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
    known = [label_set.classes.index(name) for name in CLASSES if name in label_set.classes]
    table = np.full(256, UNLABELLED, np.uint8)
    table[known] = [CLASSES.index(label_set.classes[c]) for c in known]
    detector, crops, skipped = FaceDetector(min_face=50), [], list[str]()
    shown = tqdm(label_set.pairs(skipped), total=len(label_set.names()), disable=quiet or None)
    for name, photo, classes in shown:
        labels = own_sides(table[classes])
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


def own_sides(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels whose left and right are the subject's own: of CelebAMask-HQ's maps some were
    mirrored without exchanging the names."""
    columns = np.arange(labels.shape[1])
    nose = _middle(labels == CLASSES.index("nose"), columns)
    votes = 0.0
    for left, right in _PAIRS:
        a, b = (_middle(labels == CLASSES.index(name), columns) for name in (left, right))
        votes += np.nan_to_num(np.sign(a - (nose if np.isnan(b) else b)))
        votes += np.nan_to_num(np.sign((nose if np.isnan(a) else a) - b))
    return labels if votes >= 0 else mirrored_names(labels)


def _middle(mask: NDArray[np.bool_], columns: NDArray[np.int64]) -> float:
    counts = mask.sum(axis=0)
    return float((counts * columns).sum() / counts.sum()) if counts.any() else float("nan")


def mirrored_names(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels with the names of left and right exchanged."""
    table = np.arange(256, dtype=np.uint8)
    table[: len(MIRRORED)] = MIRRORED
    return table[labels]
