"""Does a preset do what its name says? For each, one declared measure on the model's own labels,
and, for faces, one on the landmarks of the finished photo, which know nothing of labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.bundles.bundle import Bundle
from backend.editing.recipes import group_of
from backend.evaluation.face_mesh import FaceShape
from backend.evaluation.known_changes import Crop, Reader, Stretch, change_read

Mask = NDArray[np.bool_]  # [L, L], where a group of parts is


@dataclass(frozen=True)
class LeastChange:
    """How much a quantity must change, at least; less where `by` is negative.

    by: a fraction of what it was before or, if `times` is False, in the quantity's own unit.
    """

    by: float
    times: bool = True

    def happened(self, before: float, after: float) -> bool:
        change = after - before
        if self.times:
            change /= before
        return change >= self.by if self.by > 0 else change <= self.by

    def __str__(self) -> str:
        return f"{self.by:+.0%}" if self.times else f"{self.by:+g}"


# Of a group of parts


def area(mask: Mask) -> float:
    """Pixels."""
    return float(mask.sum())


def width(mask: Mask) -> float:
    """Pixels, finer than whole ones: of the box that has the same variance of columns."""
    return float(np.sqrt(12 * np.nonzero(mask)[1].var() + 1))


def height(mask: Mask) -> float:
    return width(mask.T)


def centre_height(mask: Mask) -> float:
    """How high the centre lies: 0 at the lower edge of the picture, 1 at the upper one."""
    return float(1 - np.nonzero(mask)[0].mean() / mask.shape[0])


def corner_lift(mask: Mask) -> float:
    """How far the outer quarters of a shape lie above its middle, in widths of the shape."""
    rows, columns = np.nonzero(mask)
    extent = float(np.ptp(columns)) + 1
    outer = np.abs(columns - columns.mean()) > extent / 4
    return float(rows[~outer].mean() - rows[outer].mean()) / extent if outer.any() else 0.0


@dataclass(frozen=True)
class PartMeasure:
    """A quantity of a group of parts: of the first of `groups` that the bundle has."""

    quantity: Callable[[Mask], float]
    groups: tuple[str, ...]
    change: LeastChange

    def group(self, bundle: Bundle) -> str | None:
        return next((name for name in self.groups if group_of(bundle, name)), None)

    def worked(
        self, bundle: Bundle, before: NDArray[np.uint8], after: NDArray[np.uint8]
    ) -> bool | None:
        """By the labels [L, L]; None when there is no such part in the bundle or in the picture."""
        group = self.group(bundle)
        indices = group_of(bundle, group) if group else []
        old, new = (np.isin(labels, indices) for labels in (before, after))
        if not old.any():
            return None
        if not new.any():  # gone: an area of nothing, but no shape that could be slimmer
            return self.quantity is area and self.change.by < 0
        return self.change.happened(self.quantity(old), self.quantity(new))

    def describe(self, bundle: Bundle) -> str:
        return f"{self.quantity.__name__.replace('_', ' ')} of {self.group(bundle)} {self.change}"


PART_MEASURES: Mapping[str, PartMeasure] = {
    "smile": PartMeasure(corner_lift, ("mouth",), LeastChange(0.02, times=False)),
    "frown": PartMeasure(corner_lift, ("mouth",), LeastChange(-0.02, times=False)),
    "open-mouth": PartMeasure(height, ("mouth",), LeastChange(0.1)),
    "closed-mouth": PartMeasure(area, ("mouth interior",), LeastChange(-0.6)),
    "wider-mouth": PartMeasure(width, ("mouth",), LeastChange(0.1)),
    "fuller-lips": PartMeasure(area, ("lips", "mouth"), LeastChange(0.1)),
    "bigger-eyes": PartMeasure(area, ("eyes",), LeastChange(0.1)),
    "closed-eyes": PartMeasure(area, ("eyes",), LeastChange(-0.3)),
    "narrower-eyes": PartMeasure(area, ("eyes",), LeastChange(-0.1)),
    "raised-brows": PartMeasure(centre_height, ("brows",), LeastChange(0.01, times=False)),
    "thicker-brows": PartMeasure(area, ("brows",), LeastChange(0.1)),
    "slimmer-nose": PartMeasure(width, ("nose",), LeastChange(-0.1)),
    "smaller-nose": PartMeasure(area, ("nose",), LeastChange(-0.1)),
    "more-hair": PartMeasure(area, ("hair",), LeastChange(0.05)),
    "less-hair": PartMeasure(area, ("hair",), LeastChange(-0.05)),
    "bigger-ears": PartMeasure(area, ("ears",), LeastChange(0.1)),
}
"""By the preset's name."""


# Of a face, from its landmarks (indices of MediaPipe's face mesh)


def smile(face: FaceShape) -> float:
    """The blendshape of a smile, 0..1."""
    return face.smile


def mouth_corner_lift(face: FaceShape) -> float:
    """How far the corners lie above the lips' meeting, in widths of the mouth."""
    height = face.landmarks[:, 1]
    return float((height[13] + height[14]) / 2 - (height[61] + height[291]) / 2) / face.span(
        61, 291
    )


def mouth_gap(face: FaceShape) -> float:
    """Between the lips, in distances of the outer eye corners."""
    return face.span(13, 14) / face.eye_span


def mouth_width(face: FaceShape) -> float:
    return face.span(61, 291) / face.eye_span


def lip_height(face: FaceShape) -> float:
    return (face.span(0, 13) + face.span(14, 17)) / face.eye_span


def eye_opening(face: FaceShape) -> float:
    return (face.span(159, 145) + face.span(386, 374)) / face.eye_span


def brow_height(face: FaceShape) -> float:
    """Of the brows' middles above the eyes' lower lids, which raised brows leave in place."""
    return (face.span(105, 145) + face.span(334, 374)) / face.eye_span


def nose_width(face: FaceShape) -> float:
    return face.span(64, 294) / face.eye_span


_EYES = ((33, 133, 159, 145), (362, 263, 386, 374))
_MOUTH = ((61, 291, 0, 17),)
_NOSE = ((64, 294, 195, 2),)


@dataclass(frozen=True)
class FaceMeasure:
    """A quantity of a face's landmarks.

    known: what changes the quantity by a known amount; read: the fraction by which landmarks then
    say that it changed, which is what counts as the change.
    """

    quantity: Callable[[FaceShape], float]
    change: LeastChange
    known: Stretch | None = None
    read: float | None = None

    def calibrated(self, seen: Sequence[tuple[Crop, FaceShape]], reader: Reader) -> FaceMeasure:
        """The measure with `read`, taken on crops with their faces; as it is without a known
        change."""
        if self.known is None:
            return self
        return replace(
            self, read=change_read(self.known, self.change.by, self.quantity, seen, reader)
        )

    def worked(self, before: FaceShape | None, after: FaceShape | None) -> bool | None:
        """None where no face was seen before; a face that cannot be seen after did not work."""
        if before is None:
            return None
        if after is None:
            return False
        asked = self.change if self.read is None else replace(self.change, by=self.read)
        return asked.happened(self.quantity(before), self.quantity(after))

    def describe(self) -> str:
        name = f"{self.quantity.__name__.replace('_', ' ')} {self.change}"
        return name if self.read is None else f"{name}, read as {self.read:+.1%}"


FACE_MEASURES: Mapping[str, FaceMeasure] = {
    "smile": FaceMeasure(smile, LeastChange(0.1, times=False)),
    "frown": FaceMeasure(mouth_corner_lift, LeastChange(-0.02, times=False)),
    "open-mouth": FaceMeasure(mouth_gap, LeastChange(0.02, times=False)),
    "closed-mouth": FaceMeasure(mouth_gap, LeastChange(-0.02, times=False)),
    "wider-mouth": FaceMeasure(mouth_width, LeastChange(0.1), Stretch(_MOUTH, axis=0)),
    "fuller-lips": FaceMeasure(lip_height, LeastChange(0.1), Stretch(_MOUTH, axis=1)),
    "bigger-eyes": FaceMeasure(eye_opening, LeastChange(0.1), Stretch(_EYES, axis=1)),
    "closed-eyes": FaceMeasure(eye_opening, LeastChange(-0.3), Stretch(_EYES, axis=1)),
    "narrower-eyes": FaceMeasure(eye_opening, LeastChange(-0.1), Stretch(_EYES, axis=1)),
    "raised-brows": FaceMeasure(brow_height, LeastChange(0.05)),
    "slimmer-nose": FaceMeasure(nose_width, LeastChange(-0.1), Stretch(_NOSE, axis=0)),
}
"""By the preset's name. Landmarks do not outline hair, ears or the thickness of brows."""
