"""The wire's pixels as arrays, requests as the engine takes them, its results as messages.

The engine sees only the part of the photo that was sent; results are shifted to the photo here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage, BadSetting
from backend.photos.align import CropFrame
from backend.photos.label_edit import REMOVED, UNKNOWN, LabelEdit, PaintedLayer
from backend.server.jobs import Job
from backend.server.sessions import PhotoSession
from backend.session.placement import to_engine, to_photo
from backend.session.plain_json import sendable
from edit_library.edit import MAX_VALUE, EditInfo
from protocol import messages as m
from protocol.geometry import Rect
from protocol.messages import Pixels
from protocol.typed import MAX_BYTES

_SMALLEST = 16  # pixels on a side of a frame, or of what is sent
_FLATTEST = 0.1  # area of a frame in squares of its longer side
_SKEWED = 0.05  # how far from a parallelogram, in sides
_GRID = 16  # a detector's corners lie on this part of a pixel
_FARTHEST = 64  # a frame's side in sides of what is sent

if TYPE_CHECKING:
    from backend.editing.progress import Progress
    from backend.editing.results import EditResult
    from backend.photos.composite import ResultLayer
    from backend.photos.parts import PartMask, PlacedMask
    from protocol.facts import RepaintReport


_DTYPES: dict[str, np.dtype[Any]] = {"u8": np.dtype("u1"), "f32": np.dtype("<f4")}


def to_array(pixels: Pixels) -> NDArray[Any]:
    """[H, W, channels], or [H, W] for one channel; a copy of its own, uint8 or float32.

    Raises BadImage for values that are not finite.
    """
    array = np.frombuffer(pixels.data, _DTYPES[pixels.dtype]).copy()
    if pixels.dtype == "f32" and not np.isfinite(array).all():
        raise BadImage(
            "The photo has pixels that are not numbers (NaN or infinite); "
            "flatten them, for instance with Colors > Clip, and try again."
        )
    shape = (pixels.height, pixels.width, pixels.channels)
    return array.reshape(shape if pixels.channels > 1 else shape[:2])


def to_code(pixels: Pixels) -> NDArray[np.float32]:
    """A code or an editing vector, float32 [n_ws, w_dim].

    Raises BadSetting for values from which no picture can be drawn.
    """
    code: NDArray[np.float32] = to_array(pixels)
    if np.abs(code).max() > MAX_VALUE:
        raise BadSetting(
            f"A code or vector has values beyond {MAX_VALUE:g}, which no edit has; learn it again."
        )
    return code


def to_pixels(array: NDArray[Any]) -> Pixels:
    """uint8 or float32 [H, W] or [H, W, channels] as Pixels."""
    name = "u8" if array.dtype == np.uint8 else "f32"
    height, width = array.shape[:2]
    channels = array.shape[2] if array.ndim == 3 else 1
    data = np.ascontiguousarray(array, _DTYPES[name]).tobytes()
    return Pixels(width, height, channels, "u8" if name == "u8" else "f32", data)


def reporter(job: Job, frame: CropFrame, rect: Rect) -> Callable[[Progress], bool]:
    """The engine's callback: tells the client, raises JobCancelled when the job is not wanted,
    returns True when its client wants to keep what there is.

    frame: the crop that previews show, in the coordinates of the photo's `rect`.
    """
    shown = _bounds(frame, rect)

    def report(news: Progress) -> bool:
        draw = news.preview
        outline = None if news.outline is None else to_pixels(news.outline)
        preview = (lambda: m.Preview(to_pixels(draw()), shown, outline)) if draw else None
        return job.report(news.fraction, news.text, preview)

    return report


def frame_of(request: m.Segment | m.Recognise) -> CropFrame:
    """The subject's frame in the pixels that were sent.

    Raises BadImage where it is not about a square, is tiny, or lies far from these pixels: work on
    it would never end, or show nothing.
    """
    quad = np.asarray(request.quad, np.float64).reshape(4, 2) - request.rect[:2]
    size = np.array(request.rect[2:], np.float64)
    across, down = quad[3] - quad[0], quad[1] - quad[0]
    sides = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    area = abs(float(across[0] * down[1] - across[1] * down[0]))
    closed = np.abs(quad[0] - quad[1] + quad[2] - quad[3]).max() <= _SKEWED * max(sides)
    sound = min(*sides, *size) >= _SMALLEST and closed and area > _FLATTEST * max(sides) ** 2
    meets = (quad.max(axis=0) > 0).all() and (quad.min(axis=0) < size).all()
    if not (sound and meets and max(sides) <= _FARTHEST * size.min()):
        raise BadImage(
            f"The subject's frame is not a square of at least {_SMALLEST} pixels in the photo; "
            "select the subject and segment it again."
        )
    return CropFrame(quad)


def part_layer(part: PartMask, rect: Rect) -> m.PartLayer:
    placed = to_photo(part, rect)
    red, green, blue = (int(value) for value in part.color)
    color = (red, green, blue)
    place = _rect(placed.x, placed.y, part.alpha)
    return m.PartLayer(part.name, int(part.index), color, place, to_pixels(part.alpha))


def painted(layers: Sequence[m.PaintedPart], rect: Rect) -> list[PaintedLayer]:
    return [
        to_engine(PaintedLayer(one.part, *one.rect[:2], to_array(one.alpha)), rect)
        for one in layers
    ]


def painted_layers(request: m.Repaint | m.LiveRepaint, session: PhotoSession) -> list[PaintedLayer]:
    """What was painted; parts for which there are no layers are as the photo has them."""
    layers = painted(request.layers, session.rect)
    if request.only is None:
        return layers
    untouched = [part for part in session.opened.parts if part.name not in request.only]
    return layers + [PaintedLayer(p.name, p.x, p.y, p.alpha) for p in untouched]


def placed_mask(mask: PlacedMask, rect: Rect) -> m.PlacedMask:
    placed = to_photo(mask, rect)
    return m.PlacedMask(_rect(placed.x, placed.y, mask.alpha), to_pixels(mask.alpha))


def _rect(x: int, y: int, pixels: NDArray[Any]) -> Rect:
    height, width = pixels.shape[:2]
    return Rect(x, y, width, height)


def edited(
    session: PhotoSession, result: EditResult[Any]
) -> tuple[str, m.ResultLayer, m.Pixels, tuple[str, ...], m.Pixels]:
    """The fields of m.Edited."""
    return (
        session.photo,
        result_layer(result.layer, session.rect),
        to_pixels(np.asarray(result.vector, np.float32)),
        tuple(result.parts),
        to_pixels(result.labels),
    )


def result_layer(layer: ResultLayer, rect: Rect) -> m.ResultLayer:
    placed = to_photo(layer, rect)
    return m.ResultLayer(_rect(placed.x, placed.y, placed.pixels), to_pixels(placed.pixels))


def repainted(session: PhotoSession, result: EditResult[RepaintReport]) -> m.Repainted:
    """The answer to a repaint."""
    painted = None if result.painted is None else to_pixels(result.painted.packed())
    return m.Repainted(*edited(session, result), sendable(result.report), painted)


def painted_on(session: PhotoSession, edit: m.EditRef, parts: int) -> LabelEdit | None:
    """What was painted on the photo for an edit; parts: how many its model has.

    Raises BadSetting for what cannot have been painted on this photo.
    """
    if edit.painted is None:
        return None
    claims, labels = to_array(edit.painted), session.opened.labels
    if claims.shape != labels.shape or (claims[claims != UNKNOWN] % REMOVED >= parts).any():
        raise BadSetting("What was painted belongs to another photo or model: paint it again.")
    return LabelEdit.unpacked(claims, labels, edit.parts)


def edit_info(edit: EditInfo, *, favourite: bool = False) -> m.EditInfo:
    return m.EditInfo(
        name=edit.name,
        title=edit.title,
        description=edit.description,
        parts=tuple(edit.parts),
        low=edit.low,
        high=edit.high,
        default=edit.default,
        source="preset" if edit.source == "preset" else "user",
        before=_sendable(edit.before),
        after=_sendable(edit.after),
        favourite=favourite,
    )


def on_grid(frame: CropFrame) -> CropFrame:
    """The frame with its corners on sixteenths of a pixel.

    The last bits of what a detector says depend on the machine and its load; the same photo shall
    have the same frame, and with it the same id and the same embedding in the cache.
    """
    return CropFrame(np.round(frame.quad * _GRID) / _GRID)


def quad(frame: CropFrame) -> tuple[float, float, float, float, float, float, float, float]:
    a, b, c, d, e, f, g, h = (float(value) for value in frame.quad.ravel())
    return a, b, c, d, e, f, g, h


def _bounds(frame: CropFrame, rect: Rect) -> Rect:
    """The upright rectangle around `frame`, in the photo's coordinates."""
    left, top = np.floor(frame.quad.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(frame.quad.max(axis=0)).astype(int).tolist()
    edges = max(right, left + 1), max(bottom, top + 1)
    return Rect.between(left, top, *edges).moved(rect.x, rect.y)


def _sendable(image: bytes | None) -> bytes | None:
    return image if image and len(image) <= MAX_BYTES else None
