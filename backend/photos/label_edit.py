"""Read repainted part layers back as claims about the label map (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from backend.errors import NothingChanged, UnknownPart
from backend.photos.align import CropFrame, centred
from backend.photos.arrays import Bytes, Flags, Floats
from backend.photos.cv import resize
from backend.photos.parts import ColoredPart, PartMask
from protocol.geometry import Rect

UNKNOWN = 255  # a pixel of a label map that nothing is said about
OPAQUE = 128  # alpha from which a pixel counts as painted
_NOISE = 16  # smaller changes of alpha come from resampling or another bit depth, not from a brush
_MIN_SHARE = 0.1  # of a generator pixel: less than this was not meant
_SLIVER = 2.5  # generator pixels: narrower differences come from drawing the parts anew
_LARGE, _WIDE = 0.04, 4.0  # of the frame: from here a part's slivers may be so many times as wide
REMOVED = 128  # code of a pixel that lost part p and gained none: REMOVED + p


@dataclass(frozen=True, eq=False)
class PaintedLayer:
    """A part's layer as it came back: alpha uint8 [h, w], top-left pixel at the photo's (x, y)."""

    part: str
    x: int
    y: int
    alpha: Bytes


@dataclass(frozen=True, eq=False)
class LabelEdit:
    """What a repaint asks for, at generator resolution.

    target: uint8 [R, R], the wanted part's index; without a positive claim, the label as it was.
    changed: bool [R, R], pixels with a claim, positive or negative.
    removed: uint8 [R, R], the old part's index + 1 where that part was taken away and none was put
    there, else 0. parts: names of the parts whose own layers changed (Q_edit), in the bundle's
    order; never parts that were merely painted over.
    """

    target: Bytes
    changed: Flags
    removed: Bytes
    parts: tuple[str, ...]

    def packed(self) -> Bytes:
        """The claims in one map, uint8 [R, R]: a part's index, REMOVED + index where that part
        was taken away, UNKNOWN where nothing is claimed."""
        gone = self.removed > 0
        claims = np.where(gone, REMOVED + self.removed - 1, self.target)
        return np.where(self.changed, claims, UNKNOWN).astype(np.uint8)

    @classmethod
    def unpacked(cls, claims: Bytes, labels: Bytes, parts: tuple[str, ...]) -> LabelEdit:
        """What `packed` gave, on a photo's label map uint8 [R, R]; parts: Q_edit."""
        changed = claims != UNKNOWN
        gone = changed & (claims >= REMOVED)
        target = np.where(changed & ~gone, claims, labels).astype(np.uint8)
        removed = np.where(gone, claims - REMOVED + 1, 0).astype(np.uint8)
        return cls(target, changed, removed, parts)

    def on(self, labels: Bytes) -> LabelEdit:
        """The same claims on another label map of the photo, uint8 [L, L]."""
        claims = resize(self.packed(), labels.shape[::-1], cv2.INTER_NEAREST)
        return LabelEdit.unpacked(claims, labels, self.parts)


@dataclass(frozen=True, eq=False)
class _Change:
    """What happened to one part's layers, over the canvas: bool [h, w]."""

    added: Flags
    removed: Flags


def read_label_edit(
    base: Sequence[PartMask],
    painted: Sequence[PaintedLayer],
    frame: CropFrame,
    labels: Bytes,
    parts: Sequence[ColoredPart],
) -> LabelEdit:
    """Compare repainted layers with the layers they started from.

    base: every part as it was drawn. painted: the layers, top first; several layers of one part
    add up, and a part without a layer counts as wholly erased. labels: uint8 [R, R], the crop's
    segmentation. Newly painted pixels win over unchanged ones, upper layers over lower ones; alpha
    counts from 128. Layers are compared in the photo's own pixels and then brought to R x R by
    majority of area. Raises UnknownPart for a layer that is none of `parts`, NothingChanged when
    nothing is left to do or no layer is left.
    """
    if not painted:  # all of them erased: nobody means that
        raise NothingChanged("No part layer is left; undo that, or segment the photo again.")
    names = names_of(painted, parts)
    rect = _canvas(frame)
    changes = _changes(base, painted, names, rect)
    if not changes:
        raise NothingChanged(
            "Nothing was repainted inside the subject's frame; "
            "paint on a part's layer, or move or erase it, then apply again."
        )
    before = _index_map(base, rect)
    after = _claimed(before, painted, changes, names, rect)
    return _majority(before, after, changes, frame, rect, labels, parts)


def names_of(layers: Sequence[PaintedLayer], parts: Sequence[ColoredPart]) -> dict[str, int]:
    """Part indices by name; raises UnknownPart for a layer that is none of `parts`."""
    names = {part.name: part.index for part in parts}
    for layer in layers:
        if layer.part not in names:
            raise UnknownPart(
                f"The layer “{layer.part}” is not one of this model's parts; segment the photo "
                f"again with this model, or rename the layer to one of: {', '.join(names)}."
            )
    return names


def _canvas(frame: CropFrame) -> Rect:
    low, high = np.floor(frame.quad.min(axis=0)), np.ceil(frame.quad.max(axis=0))
    return Rect.between(*low.astype(int).tolist(), *high.astype(int).tolist())


def pasted(alpha: Bytes, x: int, y: int, rect: Rect, onto: Bytes | None = None) -> Bytes:
    """A layer over the canvas `rect`, joined with `onto` by the larger alpha."""
    canvas = np.zeros((rect.height, rect.width), np.uint8) if onto is None else onto
    both = Rect(x, y, alpha.shape[1], alpha.shape[0]).intersected(rect)
    if not both.is_empty:
        on, within = both.moved(-rect.x, -rect.y), both.moved(-x, -y)
        there = canvas[on.y : on.bottom, on.x : on.right]
        np.maximum(there, alpha[within.y : within.bottom, within.x : within.right], out=there)
    return canvas


def _changes(
    base: Sequence[PartMask], painted: Sequence[PaintedLayer], names: dict[str, int], rect: Rect
) -> dict[int, _Change]:
    """Gained and lost pixels by part index, of the parts whose own layers differ."""
    changes = {}
    for index in names.values():
        masks = [mask for mask in base if mask.index == index]
        layers = [layer for layer in painted if names[layer.part] == index]
        if len(masks) == len(layers) == 1 and _same(masks[0], layers[0]):
            continue
        old, new = (np.zeros((rect.height, rect.width), np.uint8) for _ in range(2))
        for mask in masks:
            pasted(mask.alpha, mask.x, mask.y, rect, onto=old)
        for layer in layers:
            pasted(layer.alpha, layer.x, layer.y, rect, onto=new)
        moved = cv2.absdiff(old, new) > _NOISE
        change = _Change(
            moved & (new >= OPAQUE) & (old < OPAQUE), moved & (old >= OPAQUE) & (new < OPAQUE)
        )
        if change.added.any() or change.removed.any():
            changes[index] = change
    return changes


def _same(mask: PartMask, layer: PaintedLayer) -> bool:
    return (mask.x, mask.y) == (layer.x, layer.y) and np.array_equal(mask.alpha, layer.alpha)


def _index_map(base: Sequence[PartMask], rect: Rect) -> Bytes:
    """The part with the largest alpha at every pixel of the canvas; UNKNOWN where there is none."""
    indices = np.full((rect.height, rect.width), UNKNOWN, np.uint8)
    best = np.zeros_like(indices)
    for mask in base:
        alpha = pasted(mask.alpha, mask.x, mask.y, rect)
        indices[alpha > best] = mask.index
        np.maximum(best, alpha, out=best)
    return indices


def _claimed(
    before: Bytes,
    painted: Sequence[PaintedLayer],
    changes: dict[int, _Change],
    names: dict[str, int],
    rect: Rect,
) -> Bytes:
    """The index map after the repaint, with REMOVED + p where p was lost and nothing gained."""
    after = before.copy()
    for index, change in changes.items():
        after[change.removed] = REMOVED + index
    for layer in reversed(painted):  # bottom first: upper layers overwrite
        index = names[layer.part]
        if index in changes:
            own = pasted(layer.alpha, layer.x, layer.y, rect) >= OPAQUE
            after[changes[index].added & own] = index
    return after


def _majority(
    before: Bytes,
    after: Bytes,
    changes: dict[int, _Change],
    frame: CropFrame,
    rect: Rect,
    labels: Bytes,
    parts: Sequence[ColoredPart],
) -> LabelEdit:
    """Bring the claims to the generator's pixels: a pixel changes when its majority does."""
    resolution = labels.shape[0]
    cells = _Cells(frame, rect, resolution)
    old, new = cells.sample(before, UNKNOWN), cells.sample(after, UNKNOWN)
    any_change = np.any([change.added | change.removed for change in changes.values()], axis=0)
    touched = cells.share(cells.sample(any_change.astype(np.uint8), 0) > 0) >= _MIN_SHARE
    changed = touched & (cells.winner(old) != cells.winner(new))
    claim = cells.winner(np.where(old != new, new, UNKNOWN), ignore=UNKNOWN)
    changed &= claim != UNKNOWN
    if not changed.any():
        raise NothingChanged(
            "The change is too small for this model, which sees the subject as only "
            f"{resolution} x {resolution} pixels; repaint an area at least "
            f"{max(2, round(1.5 * frame.size / resolution))} photo pixels wide."
        )
    own = {
        index: cells.share(cells.sample((c.added | c.removed).astype(np.uint8), 0) > 0)
        for index, c in changes.items()
    }
    names = tuple(
        p.name for p in parts if p.index in own and (own[p.index][changed] >= _MIN_SHARE).any()
    )
    return LabelEdit.unpacked(np.where(changed, claim, UNKNOWN), labels, names)


class _Cells:
    """The canvas seen through the crop's R x R generator pixels, each sampled k x k times."""

    def __init__(self, frame: CropFrame, rect: Rect, resolution: int) -> None:
        self._resolution = resolution
        self._samples = int(np.clip(round(frame.size / resolution), 4, max(4, 2048 // resolution)))
        size = self._samples * resolution
        self._matrix = centred(frame.shifted(-rect.x, -rect.y).to_pixels(size))
        self._size = (size, size)

    def sample(self, canvas: Bytes, outside: int) -> Bytes:
        """The canvas at every sample, uint8 [kR, kR]."""
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(canvas, self._matrix, self._size, flags=flags, borderValue=outside)

    def share(self, samples: Flags) -> Floats:
        """The fraction of every generator pixel's samples that are true: [R, R]."""
        size = (self._resolution, self._resolution)
        return cv2.resize(samples.astype(np.float32), size, interpolation=cv2.INTER_AREA)

    def winner(self, samples: Bytes, ignore: int | None = None) -> Bytes:
        """The code with the largest share of every generator pixel; `ignore` wins nothing."""
        best = np.zeros((self._resolution, self._resolution), np.float32)
        result = np.full(best.shape, UNKNOWN, np.uint8)
        for code in np.unique(samples):
            if code != ignore:
                share = self.share(samples == code)
                result[share > best] = code
                np.maximum(best, share, out=best)
        return result


def settled(
    base: Sequence[PartMask], painted: Sequence[PaintedLayer], frame: CropFrame, resolution: int
) -> list[PaintedLayer]:
    """The same layers, without differences from `base` that no brush makes.

    For layers that were drawn for other pixels than those that `base` was drawn for: the photo was
    scaled, turned, cropped or retouched since, so that edges lie a pixel or two beside one another.
    What is nowhere wider than about two generator pixels is taken back; of large parts, like the
    background, whose borders are drawn less surely, what is four times as wide. One layer for each
    part comes back, in the place of the part's topmost one. frame, resolution: of the generator's
    crop.
    """
    rect = _canvas(frame)
    done = []
    for part in dict.fromkeys(layer.part for layer in painted):
        old, new = (np.zeros((rect.height, rect.width), np.uint8) for _ in range(2))
        for mask in base:
            if mask.name == part:
                pasted(mask.alpha, mask.x, mask.y, rect, onto=old)
        for layer in painted:
            if layer.part == part:
                pasted(layer.alpha, layer.x, layer.y, rect, onto=new)
        sliver = _SLIVER * (_WIDE if (old >= OPAQUE).mean() > _LARGE else 1)
        width = max(3, round(sliver * frame.size / resolution)) | 1  # odd
        thin = ~_thick((old >= OPAQUE) != (new >= OPAQUE), width)
        done.append(PaintedLayer(part, rect.x, rect.y, np.where(thin, old, new)))
    return done


def _thick(flags: Flags, width: int) -> Flags:
    """The connected areas that hold a square of that width."""
    core = cv2.erode(flags.astype(np.uint8), np.ones((width, width), np.uint8))
    _count, areas = cv2.connectedComponents(flags.astype(np.uint8))
    return np.isin(areas, np.unique(areas[core > 0])) & flags
