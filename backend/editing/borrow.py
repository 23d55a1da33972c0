"""Parts of another photo as the target of an edit: the frame in which nobody blinked."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.editing.engine import Engine
from backend.editing.geometry import nearest
from backend.editing.options import Optimisation
from backend.editing.region import dilate, shown_region
from backend.editing.repainting import optimise_code, optimise_edit
from backend.editing.results import EditResult, OpenPhoto
from backend.errors import NothingChanged
from backend.photos.align import extract
from backend.photos.composite import ResultLayer
from backend.photos.cv import gaussian_blur
from backend.photos.feather import feathered_alpha
from backend.photos.label_edit import LabelEdit
from backend.photos.warp import support_rect, to_photo
from protocol.facts import RepaintReport

Take = Literal["look", "shape"]
_TONE_GRID = 256
_TONE_REACH = 0.03  # of the crop's side
_TONE_GAIN = (0.4, 2.5)


def borrow_parts(
    engine: Engine,
    photo: OpenPhoto,
    other: OpenPhoto,
    parts: Sequence[str],
    take: Take,
    options: Optimisation,
) -> EditResult[RepaintReport]:
    """Give `parts` of a photo the shapes that they have in another one.

    take: "shape" moves the photo's own pixels there; "look" takes the other photo's pixels as well:
    eyes that are closed here hold nothing to move. Raises UnknownPart, NothingChanged.
    """
    began = time.monotonic()
    indices, large = engine.indices(parts), engine.indices(engine.bundle.large)
    valid = photo.valid & other.valid
    known = engine.at_labels(valid)
    label_edit = borrowed_label_edit(
        photo.labels, other.labels, known, indices, large, tuple(parts)
    )
    if take == "shape":
        return optimise_edit(engine, photo, label_edit, options)
    looks = engine.rebuilt(other)
    found = optimise_code(engine, photo, label_edit, options.within(0.0, 0.95), inside=looks)
    same = (photo.labels == other.labels) & np.isin(photo.labels, large) & ~label_edit.changed
    free = _resized(label_edit.changed | same, len(valid))
    shown = shown_region(found.region, valid) & free
    gain = tone(photo, other, same & known)
    layer = borrowed_layer(photo, other, shown, gain)
    seconds = time.monotonic() - began
    return found.result(layer, replace(found.report, take=take, seconds=seconds))


def borrowed_label_edit(
    labels: NDArray[np.uint8],
    others: NDArray[np.uint8],
    known: NDArray[np.bool_],
    parts: Collection[int],
    large: Collection[int],
    names: tuple[str, ...],
) -> LabelEdit:
    """What a photo's label map has to become for `parts` to have the other photo's shapes.

    labels, others: uint8 [L, L], both aligned; known: bool [L, L], what both photos cover. The
    other photo's parts are wanted, but not over a part of this one that is none of the `large`
    ones: a face keeps its brows when it gets eyes. Where only this photo shows the parts, what is
    nearest to them is wanted, unless something else hides them in the other photo. names: Q_edit.
    Raises NothingChanged where neither shows one.
    """
    own, its = (np.isin(shown, list(parts)) & known for shown in (labels, others))
    if not (own | its).any():
        raise NothingChanged(
            f"Neither photo shows {', '.join(names)}; choose other parts to borrow."
        )
    added = its & (own | np.isin(labels, list(large)))
    around = np.intersect1d(labels[dilate(own, 1) & ~own], list(large))
    removed = own & ~its & np.isin(others, around)
    target = np.where(removed, nearest(labels, ~np.isin(labels, list(parts))), labels)
    target = np.where(added, others, target)
    return LabelEdit(target, added | removed, np.zeros_like(labels), names)


def tone(photo: OpenPhoto, other: OpenPhoto, same: NDArray[np.bool_]) -> NDArray[np.float32]:
    """By what to multiply the other crop for the light of this one: float32 [S, S, 3].

    Smooth: the ratio of the means of what is `same` [L, L], weighted by nearness. What is paler
    than that in the other crop gets less of its colour: skin that differs must not dye teeth and
    the white of eyes.
    """
    weight = _resized(same, _TONE_GRID).astype(np.float32)[..., None]
    own, its = (
        (extract(p.pixels, p.frame, _TONE_GRID)[0] + np.float32(1)) / np.float32(2)
        for p in (photo, other)
    )
    here, there = (_nearby(crop * weight) for crop in (own, its))
    gain = np.clip(here / there, *_TONE_GAIN)
    brightness = gain.mean(axis=2, keepdims=True)
    colorful = np.minimum(_saturation(gaussian_blur(its, 1)) / _saturation(there), 1)
    return brightness * (gain / brightness) ** colorful**2


def _nearby(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted sums around each place of [S, S, 3]; where nothing is near, of everything."""
    near = gaussian_blur(field, _TONE_REACH * _TONE_GRID)
    return near + 1e-3 * field.mean(axis=(0, 1)) + 1e-9


def _saturation(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """[H, W, 3] -> [H, W, 1] in 0..1; never quite 0."""
    high = picture.max(axis=2, keepdims=True)
    return (high - picture.min(axis=2, keepdims=True) + 1e-9) / (high + 1e-9)


def borrowed_layer(
    photo: OpenPhoto, other: OpenPhoto, shown: NDArray[np.bool_], gain: NDArray[np.float32]
) -> ResultLayer:
    """The other subject's pixels times `gain` [S, S, 3], laid over this one's where they are
    `shown` [R, R].

    In the photo's own size and dtype; where the layer is clear it has the photo's own colours.
    """
    height, width = photo.pixels.shape[:2]
    alpha = feathered_alpha(shown)
    rect = support_rect(alpha, photo.frame, width, height)
    if rect.is_empty:
        return ResultLayer.empty(photo.pixels.dtype)
    x, y, w, h = rect
    crop, _ = extract(other.pixels, other.frame, max(16, round(photo.frame.size)))
    colors = to_photo((crop + 1) / 2, photo.frame, rect) * to_photo(gain, photo.frame, rect)
    opacity = to_photo(alpha, photo.frame, rect, outside_zero=True)
    pixels = np.concatenate([colors, opacity[..., None]], axis=2)
    if photo.pixels.dtype == np.uint8:
        pixels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    clear = pixels[..., 3] == 0
    pixels[..., :3][clear] = photo.pixels[y : y + h, x : x + w, :3][clear]
    return ResultLayer(x, y, pixels)


def _resized(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """A mask [L, L] as [side, side], nearest neighbour."""
    size = (side, side)
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
