"""Labelled pictures: aligned crops with label maps.

A label set is a folder of indexed pictures `.../N_parts.png` (pixel = class) and `classes.json`
(class names by value). The photo of `.../N_parts.png` is `.../N.png` (or .webp, .jpg ...) in the
folder of photos, which may be the same or, where photos may not be passed on, another one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.editing.cutting import cut_out
from backend.errors import BadImage, NoSubject
from backend.photos.align import CropFrame, extract, within_aspect
from backend.photos.detect import make_detector
from backend.photos.folder import read_rgb
from backend.photos.formats import SUFFIXES, open_picture
from backend.training.part_names import mirror_table, named_as, own_sides

UNLABELLED = 255  # a pixel of a label map that says nothing
_SUFFIX = "_parts"
_COVERED = 0.5  # of a crop: with less in the photo there is little to learn from


@dataclass(frozen=True, eq=False)
class LabelledCrop:
    """image: float32 [R, R, 3] in [-1, 1]; labels: uint8 [L, L]; valid: bool, what the photo
    covers."""

    name: str
    image: NDArray[np.float32]
    valid: NDArray[np.bool_]  # [R, R]
    labels: NDArray[np.uint8]
    labelled: NDArray[np.bool_]  # [L, L]

    def mirrored(self, parts: Sequence[str]) -> LabelledCrop:
        """The mirror image, in which "left ..." and "right ..." parts have changed places."""
        return LabelledCrop(
            f"{self.name} mirrored",
            np.ascontiguousarray(self.image[:, ::-1]),
            np.ascontiguousarray(self.valid[:, ::-1]),
            mirror_table(parts)[self.labels[:, ::-1]],
            np.ascontiguousarray(self.labelled[:, ::-1]),
        )


@dataclass(frozen=True)
class LabelSet:
    """A folder of label maps, the folder of their photos, and the class names by value."""

    labels: Path
    photos: Path
    classes: tuple[str, ...]

    @classmethod
    def open(cls, labels: Path, photos: Path) -> LabelSet:
        """Read `classes.json`, which may also lie beside the folder; raises BadImage."""
        inside, beside = labels / "classes.json", labels.parent / "classes.json"
        written = beside if beside.is_file() and not inside.is_file() else inside
        try:
            names = json.loads(written.read_text(encoding="utf-8"))
            return cls(labels, photos, tuple(str(name).replace("_", " ") for name in names))
        except (OSError, ValueError, TypeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadImage(f"{labels} is not a label set: classes.json: {reason}.") from error

    def map_of(self, name: str, parts: Sequence[str]) -> NDArray[np.uint8]:
        """The label map of a photo by part index, of the photo's size; raises BadImage."""
        found = as_parts(self.map(name), self.classes, parts)
        _check_size(name, found, self.photo(name))
        return found

    def names(self) -> list[str]:
        """Names of the labelled pictures, "folder/N" or "N"; raises BadImage when there is none."""
        found = sorted(self.labels.rglob(f"*{_SUFFIX}.png"))
        if not found:
            raise BadImage(f"{self.labels} holds no label maps (N{_SUFFIX}.png).")
        return [
            p.relative_to(self.labels).with_name(p.stem.removesuffix(_SUFFIX)).as_posix()
            for p in found
        ]

    def photo(self, name: str) -> NDArray[np.uint8]:
        """uint8 [H, W, 3]; raises BadImage."""
        return read_rgb(self._photo_path(name))

    def _photo_path(self, name: str) -> Path:
        base = self.photos / name
        for suffix in sorted(SUFFIXES):
            if (path := base.with_name(base.name + suffix)).is_file():
                return path
        raise BadImage(f"The labels '{name}' have no photo {base}.* ; name its folder.")

    def pairs(
        self, skipped: list[str], names: Sequence[str] | None = None
    ) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]:
        """Names, photos [H, W, 3] and label maps [H, W], one by one: those of `names`, None means
        all. The names of photos that are cut short or no pictures are added to `skipped`.

        Raises BadImage where a photo is missing, or a map cannot be used or has another size.
        """
        for name in self.names() if names is None else names:
            path, labels = self._photo_path(name), self.map(name)
            try:
                photo = read_rgb(path)
            except BadImage:
                skipped.append(name)
                continue
            _check_size(name, labels, photo)
            yield name, photo, labels

    def map(self, name: str) -> NDArray[np.uint8]:
        """The label map of a photo, uint8 [H, W]; raises BadImage."""
        return read_label_map(label_path(self.labels, name), len(self.classes))


def _check_size(name: str, labels: NDArray[np.uint8], photo: NDArray[np.uint8]) -> None:
    """Raises BadImage where a label map [H, W] has not the size of its photo [H, W, 3]."""
    if labels.shape != photo.shape[:2]:
        sizes = " and ".join(f"{a.shape[1]} x {a.shape[0]}" for a in (labels, photo))
        raise BadImage(f"The label map '{name}' has not the size of its photo: {sizes} pixels.")


def label_path(folder: Path, name: str) -> Path:
    """Where the labels of the photo `name` lie in a label set."""
    return folder / f"{name}{_SUFFIX}.png"


def is_label_map(path: Path) -> bool:
    """Whether a file is named as label maps are, `N_parts.png`."""
    return path.name.endswith(f"{_SUFFIX}.png")


def read_label_map(path: Path, classes: int) -> NDArray[np.uint8]:
    """An indexed or grey picture uint8 [H, W] of class numbers or UNLABELLED; raises BadImage."""
    try:
        with open_picture(path) as picture:
            labels = np.array(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise BadImage(f"{path} cannot be read as a label map ({error}).") from error
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise BadImage(f"{path} is not an indexed picture of {classes} classes.")
    unknown = np.setdiff1d(labels, [*range(classes), UNLABELLED])
    if len(unknown):
        values = ", ".join(map(str, unknown[:5]))
        raise BadImage(
            f"{path} is not an indexed picture of {classes} classes: it has the values {values}, "
            f"which classes.json names no class for ({UNLABELLED} is 'not labelled')."
        )
    return labels


def as_parts(
    labels: NDArray[np.uint8], classes: Sequence[str], parts: Sequence[str]
) -> NDArray[np.uint8]:
    """A label map by part index instead of class, which may have another name for the same; a class
    that is no part becomes UNLABELLED."""
    table = np.full(256, UNLABELLED, np.uint8)
    for value, name in enumerate(named_as(classes, parts)):
        if name in parts:
            table[value] = parts.index(name)
    return table[labels]


def label_crop(
    labels: NDArray[np.uint8], frame: CropFrame, size: int, classes: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Cut a label map uint8 [H, W] out by majority of area; uint8 and bool [size, size]."""
    planes = []
    for first in range(0, classes, 3):
        group = [(labels == c).astype(np.float32) for c in range(first, first + 3)]
        crop, valid = extract(np.dstack(group), frame, size)
        planes.append(crop / 2 + 0.5)  # share of the pixel's area
    shares = np.concatenate(planes, axis=2)
    return shares.argmax(axis=2).astype(np.uint8), valid & (shares.sum(axis=2) > 0.5)


def read_labelled(
    labels: LabelSet,
    parts: Sequence[str],
    domain: str,
    resolution: int,
    label_resolution: int,
    skipped: list[str],
    names: Sequence[str] | None = None,
    *,
    aspect: float = 1.0,
    whole: bool = False,
    all_parts: bool = True,
) -> list[LabelledCrop]:
    """Labelled photos of a set, aligned as a user's photo would be; raises BadImage.

    parts: the bundle's; each must be a class of the set where `all_parts`, else one must be. names:
    the photos; None means all. aspect, whole: the bundle's. Pictures that cannot be read, are tiny,
    show no subject, or show it mostly outside are left out, and their names added to `skipped`.
    """
    missing = set(parts) - set(named_as(labels.classes, parts))
    if missing and (all_parts or len(missing) == len(parts)):
        raise BadImage(f"The label set has no class for {', '.join(sorted(missing))}.")
    detector = make_detector(domain, aspect=aspect, whole=whole, min_face=60)
    crops = []
    for name, photo, classes in labels.pairs(skipped, names):
        wanted = as_parts(classes, labels.classes, parts)
        if domain == "faces":
            wanted = own_sides(wanted, parts)
        try:
            frame = detector.find(photo)[0].frame
        except (NoSubject, BadImage):  # the latter of photos of a few pixels
            skipped.append(name)
            continue
        image, valid = cut_out(photo, frame, resolution, aspect, whole=whole)
        if valid.sum() < _COVERED * within_aspect(resolution, aspect).sum():
            skipped.append(name)
            continue
        cut, labelled = label_crop(wanted, frame, label_resolution, len(parts))
        labelled &= within_aspect(label_resolution, aspect)
        crops.append(LabelledCrop(name, image, valid, cut, labelled))
    if not crops and (names is None or len(names)):
        raise BadImage(f"No subject is found in any of the {len(skipped)} labelled pictures.")
    return crops
