"""Parts of another photo as the target of an edit: the frame in which nobody blinked."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.editing.progress import Report, ignore, part_of
from backend.errors import NothingChanged
from backend.photos.align import CropFrame, extract
from backend.photos.composite import ResultLayer
from backend.photos.painted import Claims
from backend.photos.warp import to_photo

if TYPE_CHECKING:
    from backend.editing.editor import Editor
    from backend.editing.results import EditResult, OpenPhoto

Take = Literal["look", "shape"]
_TONE_GRID = 256
_TONE_REACH = 0.06  # of the crop's side
_TONE_GAIN = (0.5, 2.0)
_TONE_COLOUR = 0.3


def borrow(
    editor: Editor,
    photo: OpenPhoto,
    other: OpenPhoto,
    parts: Sequence[str],
    *,
    take: Take = "look",
    steps: int = 100,
    progress: Report = ignore,
) -> EditResult:
    """Give `parts` of a photo the shapes that they have in another one.

    take: "shape" moves the photo's own pixels there; "look" takes the other photo's pixels as well:
    eyes that are closed here hold nothing to move. Raises UnknownPart, NothingChanged.
    """
    began = time.monotonic()
    indices = [editor.bundle.part(name).index for name in parts]
    known = editor.at_labels(photo.valid & other.valid)
    claims = borrowed_claims(photo.labels, other.labels, known, indices, tuple(parts))
    if take == "shape":
        return editor.edit(photo, claims, steps=steps, progress=progress)
    learnt = editor.learn(
        photo,
        claims,
        steps=steps,
        inside=editor.rebuilt(other),
        progress=part_of(progress, 0.0, 0.95),
    )
    laid = as_seen_in(photo.pixels, photo.frame, other.pixels, other.frame)
    pixels = toned(laid, photo.pixels, photo.frame, learnt.region)
    source = replace(photo, pixels=pixels, valid=photo.valid & other.valid)
    # nothing moves any more: the other photo has the target's shapes
    layer = editor.composite(source, learnt.after, learnt.after, learnt.region)
    layer = with_own_pixels(layer, photo.pixels)
    return learnt.result(layer, take=take, seconds=time.monotonic() - began)


def borrowed_claims(
    labels: NDArray[np.uint8],
    others: NDArray[np.uint8],
    known: NDArray[np.bool_],
    parts: Collection[int],
    names: tuple[str, ...],
) -> Claims:
    """What a photo's label map has to become for `parts` to have the other photo's shapes.

    labels, others: uint8 [L, L], both aligned; known: bool [L, L], what both photos cover. Where
    either photo shows one of the parts, the other photo's label is wanted. names: Q_edit. Raises
    NothingChanged where neither does.
    """
    either = (np.isin(labels, list(parts)) | np.isin(others, list(parts))) & known
    if not either.any():
        raise NothingChanged(
            f"Neither photo shows {', '.join(names)}; choose other parts to borrow."
        )
    target = np.where(either, others, labels).astype(np.uint8)
    return Claims(target, either, np.zeros_like(labels), names)


def toned(
    laid: NDArray[np.generic],
    photo: NDArray[np.generic],
    frame: CropFrame,
    region: NDArray[np.bool_],
) -> NDArray[np.generic]:
    """`laid` [H, W, 3] in the light of `photo`: as bright as that is around the region [L, L].

    The gain is smooth: the ratio of the means outside the region, weighted by nearness. Its colour
    counts little: skin and lips that differ must not dye teeth and the white of eyes.
    """
    (own, valid), (its, _) = (extract(p, frame, _TONE_GRID) for p in (photo, laid))
    size = (_TONE_GRID, _TONE_GRID)
    inside = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    weight = ((inside == 0) & valid).astype(np.float32)[..., None]
    here, there = (
        cv2.GaussianBlur((crop + 1) / 2 * weight, (0, 0), _TONE_REACH * _TONE_GRID) + 1e-4
        for crop in (own, its)
    )
    height, width = photo.shape[:2]
    gain = np.clip(here / there, *_TONE_GAIN)
    gain = gain**_TONE_COLOUR * gain.mean(axis=2, keepdims=True) ** (1 - _TONE_COLOUR)
    gain = to_photo(gain, frame, (0, 0, width, height))
    if photo.dtype == np.uint8:
        return np.clip(np.rint(laid * gain), 0, 255).astype(np.uint8)
    return (laid * gain).astype(np.float32)


def with_own_pixels(layer: ResultLayer, photo: NDArray[np.generic]) -> ResultLayer:
    """The layer with the photo's own colours where it is transparent."""
    height, width = layer.pixels.shape[:2]
    own = photo[layer.y : layer.y + height, layer.x : layer.x + width, :3]
    pixels = layer.pixels.copy()
    clear = pixels[..., 3] == 0
    pixels[..., :3][clear] = own[clear]
    return ResultLayer(layer.x, layer.y, pixels)


def as_seen_in(
    photo: NDArray[np.generic],
    frame: CropFrame,
    other: NDArray[np.generic],
    other_frame: CropFrame,
) -> NDArray[np.generic]:
    """The other photo's subject laid over this one's frame, in the size and dtype of `photo`.

    photo, other: uint8 or float32 [H, W, 3 or 4]. Beyond the frame its border is repeated.
    """
    height, width = photo.shape[:2]
    crop, _ = extract(other, other_frame, max(16, round(frame.size)))
    laid = to_photo((crop + 1) / 2, frame, (0, 0, width, height))
    if photo.dtype == np.uint8:
        return np.rint(np.clip(laid, 0, 1) * 255).astype(np.uint8)
    return laid.astype(np.float32)
