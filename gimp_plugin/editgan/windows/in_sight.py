"""Keeping the preview in sight: paint goes out of its way, and other layers are told of."""

from __future__ import annotations

from typing import Protocol

from gi.repository import Gimp

from commands.people import PersonInPhoto
from image import layers
from image.covering import Covering
from image.hiding import hiding
from link.texts import _
from windows.shown import Shown


class Previewing(Protocol):
    """Whose preview it is."""

    people: list[PersonInPhoto]
    person: PersonInPhoto | None
    shown: Shown

    @property
    def image(self) -> Gimp.Image: ...


class InSight:
    """Everything here leaves no trace, but for what the user is asked about."""

    def __init__(self, bench: Previewing) -> None:
        self._bench = bench
        self._paint, self._before = Covering(bench.image), Covering(bench.image)
        self._seen: tuple[object, ...] = ()
        self._told = ""

    def clear(self, person: PersonInPhoto) -> None:
        """Somebody's slider was moved: without paint on the face, as long as that shows more than
        the image has.
        """
        if person.changed:
            self._paint.lift([person.number])
        else:
            self.put_back()

    def put_back(self) -> None:
        """The paint as it was: it is worked with, or the preview is gone."""
        if self._bench.image.is_valid():
            self._paint.put_back()

    def show_before(self, before: bool) -> None:
        """The photo as it was, without paint, as long as a key is held."""
        if not self._bench.image.is_valid():
            return
        if before:
            self._before.lift(person.number for person in self._bench.people)
        else:
            self._before.put_back()
        for person in self._bench.people:
            if person.canvas is not None:
                person.canvas.show_before(before)

    def look(self) -> None:
        """Whether another layer lies over the face by now, or none any more."""
        person = self._bench.person
        if person is None:
            return
        seen = (person.quad, *map(_look_of, layers.walk(self._bench.image.get_layers())))
        if seen == self._seen:
            return
        self._seen = seen
        layer = hiding(person.photo, person.quad)
        text = "" if layer is None else _said(layer)
        if text != self._told:
            self._bench.shown.found(self._told)
            self._told = text
            if layer is not None:
                self._bench.shown.warn(
                    text, _("_Hide It"), lambda: _hide(layer, person.photo.layer)
                )


def _look_of(layer: Gimp.Layer) -> tuple[object, ...]:
    place = tuple(layer.get_offsets())
    return layer.get_id(), layer.get_visible(), layer.get_opacity(), int(layer.get_mode()), place


def _said(layer: Gimp.Layer) -> str:
    said = _(
        "The layer “{layer}” lies over this face and hides what is done to it: hide it, or close "
        "this window, select that layer, and choose EditGAN again."
    )
    return said.format(layer=layer.get_name())


def _hide(layer: Gimp.Layer, photo: Gimp.Layer) -> None:
    if layer.is_valid() and photo.is_valid():
        image = layer.get_image()
        layer.set_visible(False)
        if layer in image.get_selected_layers():  # else other commands would take it for the photo
            image.set_selected_layers([photo])
        Gimp.displays_flush()
