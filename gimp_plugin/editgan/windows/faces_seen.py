"""Where the faces of a photo lie, so that no window opens over them; on the image's canvas, px."""

from __future__ import annotations

import math
from collections.abc import Sequence

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, Gtk

from commands.people import CLOSE
from image import layer_numbers, photos, subjects
from link.errors import PlugInError
from protocol.geometry import Rect
from windows.place import Place


def on_canvas(photo: photos.PhotoLayer, quad: Sequence[float]) -> Rect:
    """The face in a frame, without hair and neck."""
    (x, y), (dx, dy) = subjects.centre(quad), photo.offset
    side = CLOSE * math.dist(quad[0:2], quad[6:8])
    left, top = round(x + dx - side / 2), round(y + dy - side / 2)
    return Rect(left, top, round(side), round(side))


def beside_faces(window: Gtk.Window, name: str, image: Gimp.Image) -> Place:
    """The place of a window that is about to be shown, as large as it needs to be, beside the
    faces of an image. name: see Place.
    """
    window.get_child().show_all()
    _least, natural = window.get_preferred_size()
    place = Place(window, name, (natural.width, natural.height))
    place.put(image, faces_in(image))
    return place


def faces_in(image: Gimp.Image) -> list[Rect]:
    """Of those whom the image knows, where it still has their photo."""
    found = []
    for subject in subjects.readable(image):
        if (layer := layer_numbers.find(image, subject.layer)) is not None:
            placed = subjects.placed(image, subject)
            found.append(on_canvas(photos.PhotoLayer(image, layer), placed.quad))
    return found


def faces_of(photo: photos.PhotoLayer) -> list[Rect]:
    """Of those whom the image knows; before anybody was looked for, where faces are as a rule."""
    if known := faces_in(photo.image):
        return known
    try:
        selected = photo.selection()
    except PlugInError:  # beside the photo: told when people are looked for
        selected = None
    whole = Rect(0, 0, photo.width, photo.height)
    usual = Rect.between(
        whole.width // 3, whole.height // 5, whole.width * 2 // 3, whole.height // 2
    )
    return [(selected or usual).moved(*photo.offset)]
