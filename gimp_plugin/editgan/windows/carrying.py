"""The image is flipped, turned, cropped or scaled while the EditGAN window is open."""

from __future__ import annotations

import time
from typing import Protocol

from gi.repository import Gimp

from commands.people import PersonInPhoto
from image import frames, photos, subjects
from image.no_trace import no_trace
from link.errors import PlugInError
from windows.shown import Shown

_EVERY_S = 1.0  # of a large photo a look costs some hundredths of a second
_MARGIN = 0.05  # of the frame's side, as the backend sends it


class Carried(Protocol):
    """Whose people go along."""

    photo: photos.PhotoLayer
    people: list[PersonInPhoto]
    person: PersonInPhoto | None
    shown: Shown

    @property
    def image(self) -> Gimp.Image: ...

    def reopen(self, person: PersonInPhoto) -> None: ...


class Carrying:
    """Looks whether the photo has moved, and lets the people go along.

    GIMP tells nobody, but it treats paths as it treats layers: so faces that the image does not
    remember yet have a path, too, as long as the window is open.
    """

    def __init__(self, bench: Carried) -> None:
        self._bench = bench
        self._seen: tuple[object, ...] = ()
        self._looked = 0.0
        self._paths: list[Gimp.Path] = []

    def found(self) -> None:
        """The people are found: whoever the image does not remember has a path from now on."""
        for person in self._bench.people:
            if person.subject is None:
                self._mark(person)

    def known(self, person: PersonInPhoto) -> None:
        """Somebody was opened; the image may have been turned since they were sent."""
        subject, layer = person.subject, self._bench.photo.layer
        look = subject.look if subject is not None else None
        if subject is not None and look and frames.is_there(layer, look, subject.quad):
            self._mark(person)

    def _mark(self, person: PersonInPhoto) -> None:
        with no_trace(self._bench.image):
            image, layer = self._bench.image, self._bench.photo.layer
            path = frames.remember(image, layer, person.number, person.quad)
        if path is not None:
            self._paths.append(path)

    def look(self) -> None:
        """Where the photo is another one for the face that is worked on, carry everybody along."""
        person = self._bench.person
        now = time.monotonic()
        if person is None or person.subject is None or now - self._looked < _EVERY_S:
            return
        self._looked = now
        layer = self._bench.photo.layer
        size = layer.get_width(), layer.get_height()
        look = bytes(frames.look(layer, person.subject.quad).data)
        seen = (person.number, person.subject.quad, size, look)
        if self._seen != seen:
            self._carry(person)
        self._seen = seen

    def close(self) -> None:
        """Without the paths of those whom the image does not remember."""
        image = self._bench.image
        if not image.is_valid():
            return
        known = {frames.PATH.format(number=one.number) for one in subjects.readable(image)}
        with no_trace(image):
            for path in self._paths:
                if path.is_valid() and path.get_name() not in known:
                    image.remove_path(path)

    def _carry(self, chosen: PersonInPhoto) -> None:
        before_and_now = None
        for person in self._bench.people:
            if person.subject is None:
                continue
            before = person.subject.quad
            try:
                now = frames.carried(self._bench.image, self._bench.photo.layer, person.subject)
            except PlugInError as error:
                self._bench.shown.warn(str(error))
                continue
            if now.quad != before:
                before_and_now = before, now.quad
                person.carry(now)
        if before_and_now is None:
            return
        for person in self._bench.people:
            if person.subject is None:
                self._take_along(person, *before_and_now)
            self._bench.shown.show_face(person, None)
        if not chosen.is_open:
            self._bench.reopen(chosen)

    def _take_along(self, person: PersonInPhoto, before: frames.Quad, now: frames.Quad) -> None:
        """Somebody who is not known yet, as the others went."""
        layer = self._bench.photo.layer
        quad = frames.carried_along(person.quad, before, now)
        rect = frames.bounds(quad, _MARGIN, layer.get_width(), layer.get_height())
        if rect is not None:
            person.quad, person.rect = quad, rect
