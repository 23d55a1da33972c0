"""Where a subject is now: its frame is carried through what was done to the image meanwhile.

GIMP does not tell a plug-in that an image was flipped, turned, scaled or cropped, but it treats the
image's paths as it treats its layers. So an invisible path holds the corners of each frame. Whether
that path is right, or the remembered place is (the layer was moved alone, or retouched), or the
photo's layer was flipped, turned or scaled alone, is told by a small picture of the subject.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gi.repository import Gimp

from image import state, thumbnail
from link.errors import PlugInError
from link.texts import _
from protocol.geometry import Rect
from protocol.messages import Pixels

SIDE = 24  # of a look, px
PATH = "EditGAN frame {number}"  # a path's name in every language: XCF keeps no marks on paths
_MARGIN = 0.05  # of the frame's side, as the backend sends it (see Subject.rect)
_CERTAIN = 0.97  # similarity at which nothing else is tried
_SAME = 0.9  # at least, where the layer's size is another one
_RETOUCHED = 0.5  # at least, where the size is the same

Quad = tuple[float, float, float, float, float, float, float, float]


def look(layer: Gimp.Layer, quad: Sequence[float]) -> Pixels:
    """The subject in its frame, upright, grey: u8 [SIDE, SIDE]; 0 where the layer ends, or shows
    nothing: what was erased since cannot make it look like somebody else.
    """
    size = layer.get_width(), layer.get_height()
    rect = bounds(quad, 0.0, *size)
    if rect is None:
        return Pixels(SIDE, SIDE, 1, "u8", bytes(SIDE * SIDE))
    small = thumbnail.grey(layer, rect, 4 * SIDE)
    scale = small.width / rect.width, small.height / rect.height
    values = bytearray(SIDE * SIDE)
    for place in range(SIDE * SIDE):
        x, y = at(quad, (place % SIDE + 0.5) / SIDE, (place // SIDE + 0.5) / SIDE)
        if 0 <= x < size[0] and 0 <= y < size[1]:
            column, row = int((x - rect.x) * scale[0]), int((y - rect.y) * scale[1])
            if 0 <= column < small.width and 0 <= row < small.height:
                values[place] = small.data[row * small.width + column]
    return Pixels(SIDE, SIDE, 1, "u8", bytes(values))


def carried(
    image: Gimp.Image, layer: Gimp.Layer, subject: state.SubjectRecord
) -> state.SubjectRecord:
    """The record with the frame where the subject is in `layer` now.

    Raises PlugInError if the subject is not found again.
    """
    size = layer.get_width(), layer.get_height()
    same_size = size == (subject.width, subject.height)
    if subject.look is None:  # of version 0.1
        if not same_size:
            raise _lost(layer)
        return subject
    best, quad = -1.0, subject.quad
    for candidate in _candidates(image, layer, subject):
        similar = similarity(subject.look, look(layer, candidate))
        if similar > best + 0.01:  # the likelier ones come first
            best, quad = similar, candidate
        if best > _CERTAIN:
            break
    rect = bounds(quad, _MARGIN, *size)
    if rect is None or best < (_RETOUCHED if same_size and quad == subject.quad else _SAME):
        raise _lost(layer)
    if same_size and quad == subject.quad:
        return subject
    # corrections lie in the pixels of before: the layers show them, and may be put right again
    return replace(subject, quad=quad, rect=rect, width=size[0], height=size[1], corrected=())


def remember(
    image: Gimp.Image, layer: Gimp.Layer, number: int, quad: Sequence[float]
) -> Gimp.Path | None:
    """Write a subject's frame into the image as a path; returns that if it is a new one."""
    _found, dx, dy = layer.get_offsets()
    wanted = [value + (dx, dy)[place % 2] for place, value in enumerate(quad)]
    old = _path(image, number)
    if old is not None:
        if math.dist(_corners(old) or (math.inf,) * 8, wanted) < 0.01:
            return None
        image.remove_path(old)
    path = Gimp.Path.new(image, PATH.format(number=number))
    points = [value for x, y in _pairs(wanted) for value in (x, y) * 3]  # with both handles
    path.stroke_new_from_points(Gimp.PathStrokeType.BEZIER, points, True)
    image.insert_path(path, None, 0)
    return path


def is_there(layer: Gimp.Layer, seen: Pixels, quad: Sequence[float]) -> bool:
    """Whether a subject that looked like this is in that frame now."""
    return similarity(seen, look(layer, quad)) > _SAME


def similarity(one: Pixels, other: Pixels) -> float:
    """The correlation of two looks where both show something, -1 to 1."""
    pairs = [(a, b) for a, b in zip(one.data, other.data, strict=True) if a and b]
    if len(pairs) < SIDE * SIDE // 8:
        return -1.0
    mean_a, mean_b = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
    both = sum((a - mean_a) * (b - mean_b) for a, b in pairs)
    each = sum((a - mean_a) ** 2 for a, _b in pairs) * sum((b - mean_b) ** 2 for _a, b in pairs)
    return both / math.sqrt(each) if each > 0 else 0.0


def bounds(quad: Sequence[float], margin: float, width: int, height: int) -> Rect | None:
    """The upright rectangle around a frame, grown by `margin` sides, within a layer of that size.

    None where that is empty.
    """
    grow = margin * math.dist(quad[0:2], quad[6:8])
    left, top = (max(0, math.floor(min(quad[axis::2]) - grow)) for axis in (0, 1))
    right = min(width, math.ceil(max(quad[0::2]) + grow))
    bottom = min(height, math.ceil(max(quad[1::2]) + grow))
    rect = Rect.between(left, top, right, bottom)
    return None if rect.is_empty else rect


def at(quad: Sequence[float], u: float, v: float) -> tuple[float, float]:
    """The point of a frame that lies at (u, v) in sides of it, from its top-left corner."""
    x, y = (
        quad[axis] + u * (quad[6 + axis] - quad[axis]) + v * (quad[2 + axis] - quad[axis])
        for axis in (0, 1)
    )
    return x, y


def carried_along(quad: Quad, before: Quad, now: Quad) -> Quad:
    """Another frame of the photo, where one frame went from `before` to `now`."""
    x_axis = [before[6 + axis] - before[axis] for axis in (0, 1)]
    y_axis = [before[2 + axis] - before[axis] for axis in (0, 1)]
    area = x_axis[0] * y_axis[1] - x_axis[1] * y_axis[0]
    points: list[float] = []
    for x, y in _pairs(quad):
        dx, dy = x - before[0], y - before[1]
        u = (dx * y_axis[1] - dy * y_axis[0]) / area
        v = (dy * x_axis[0] - dx * x_axis[1]) / area
        points += at(now, u, v)
    return _quad(points)


def moved(rect: Rect, before: Quad, now: Quad) -> Rect:
    """The upright rectangle around a rectangle that was carried along with a frame."""
    left, top, right, bottom = rect.x, rect.y, rect.right, rect.bottom
    corners = (left, top, left, bottom, right, bottom, right, top)
    points = carried_along(_quad(corners), before, now)
    xs, ys = points[0::2], points[1::2]
    return Rect.between(round(min(xs)), round(min(ys)), round(max(xs)), round(max(ys)))


def _candidates(
    image: Gimp.Image, layer: Gimp.Layer, subject: state.SubjectRecord
) -> Iterator[Quad]:
    """The places where the frame may be, the likeliest first."""
    yield subject.quad
    path = _path(image, subject.number)
    if path is not None and (corners := _corners(path)):
        _found, dx, dy = layer.get_offsets()
        yield _quad([value - (dx, dy)[place % 2] for place, value in enumerate(corners)])
    width, height = layer.get_width(), layer.get_height()
    for turned in (False, True):
        for across in (False, True):
            for down in (False, True):
                points = []
                for x, y in _pairs(subject.quad):
                    u, v = x / subject.width, y / subject.height
                    u, v = (v, u) if turned else (u, v)
                    points += [(1 - u if across else u) * width, (1 - v if down else v) * height]
                yield _quad(points)


def _path(image: Gimp.Image, subject: int) -> Gimp.Path | None:
    name = PATH.format(number=subject)
    return next((path for path in image.get_paths() if path.get_name() == name), None)


def _corners(path: Gimp.Path) -> Quad | None:
    """A path's four anchors; None if somebody has drawn on it."""
    strokes = path.get_strokes()
    if len(strokes) != 1:
        return None
    _kind, points, _closed = path.stroke_get_points(strokes[0])
    anchors = [value for x, y in list(_pairs(points))[1::3] for value in (x, y)]
    return _quad(anchors) if len(anchors) == 8 else None


def _pairs(values: Sequence[float]) -> Iterator[tuple[float, float]]:
    return zip(values[0::2], values[1::2], strict=True)


def _quad(values: Sequence[float]) -> Quad:
    a, b, c, d, e, f, g, h = map(float, values)
    return a, b, c, d, e, f, g, h


def _lost(layer: Gimp.Layer) -> PlugInError:
    return PlugInError(
        _(
            "The face was not found again in the layer “{layer}”, which was changed since: undo "
            "that, or run Segment Parts again."
        ).format(layer=layer.get_name())
    )
