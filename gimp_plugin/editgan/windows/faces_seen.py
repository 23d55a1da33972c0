"""Where the faces of a photo lie, so that no window opens over them; on the image's canvas, px."""

from __future__ import annotations

import math
from collections.abc import Sequence

from commands.people import CLOSE
from image import photos, subjects
from link.errors import PlugInError
from protocol.geometry import Rect


def on_canvas(photo: photos.PhotoLayer, quad: Sequence[float]) -> Rect:
    """The face in a frame, without hair and neck."""
    (x, y), (dx, dy) = subjects.centre(quad), photo.offset
    side = CLOSE * math.dist(quad[0:2], quad[6:8])
    left, top = round(x + dx - side / 2), round(y + dy - side / 2)
    return Rect(left, top, round(side), round(side))


def faces_of(photo: photos.PhotoLayer) -> list[Rect]:
    """Of those whom the image knows; before anybody was looked for, where faces are as a rule."""
    known = [subjects.placed(photo.image, one) for one in subjects.readable(photo.image)]
    if known:
        return [on_canvas(photo, one.quad) for one in known]
    try:
        selected = photo.selection()
    except PlugInError:  # beside the photo: told when people are looked for
        selected = None
    whole = Rect(0, 0, photo.width, photo.height)
    usual = Rect.between(
        whole.width // 3, whole.height // 5, whole.width * 2 // 3, whole.height // 2
    )
    return [(selected or usual).moved(*photo.offset)]
