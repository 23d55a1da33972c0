"""What the EditGAN window works with: the people, their stacks, and the canvas as the preview.

Nothing here waits: sockets are on threads, answers come on the main thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from gi.repository import Gimp, GLib

from commands import people, stack_result
from commands.people import PersonInPhoto
from image import layers, part_layers, photos, stack_layers, stacks, subjects
from image.no_trace import no_trace
from image.stacks import Stack
from image.unsaved import Unsaved
from link.background import Background
from link.errors import PlugInError
from link.reconnecting import Backend
from link.texts import _
from protocol.messages import Preview
from windows.canvas import Canvas
from windows.carrying import Carrying
from windows.in_sight import InSight
from windows.opening import Opening
from windows.polling import every
from windows.shown import Shown

POLL_MS = 500
_STOPPED = _("The EditGAN backend stopped. Another one takes over; nothing is lost.")
_LOST = ("backend_lost", "backend_missing", "shutting_down")


class Workbench:
    """The window's work. Call `start`, and `close` in the end."""

    def __init__(
        self, photo: photos.PhotoLayer, drawables: Sequence[Gimp.Drawable], shown: Shown
    ) -> None:
        self.photo, self.shown = photo, shown
        self.people: list[PersonInPhoto] = []
        self.person: PersonInPhoto | None = None
        self.backend = Backend(self._connected, self._not_connected, self._is_there)
        self._opening = Opening(self, drawables)
        self._canvas = Canvas(self)
        self._keeping = False
        self.faces_kept = 0  # faces, all times together
        self.before_keeping: Callable[[], None] = lambda: None  # what goes on by itself rests then
        self.is_painting: Callable[[], bool] = lambda: False  # what it ends with is kept, too
        self.in_hand: Callable[[], bool] = lambda: False  # the brush is, and the paint is needed
        self._kept_then: Callable[[], None] | None = None
        self._carrying = Carrying(self)
        self.sight, self._unsaved = InSight(self), Unsaved(photo.image)
        self._stamp = _stamp(photo.image)
        self.touched = time.monotonic()
        self._poll = every(POLL_MS, self._look)

    @property
    def image(self) -> Gimp.Image:
        return self.photo.image

    @property
    def asking(self) -> Background | None:
        return self.backend.asking

    def start(self) -> None:
        self.shown.say(_("Connecting to the EditGAN backend"))
        self.backend.connect(self._failed)

    def close(self) -> None:
        """Take the previews off the canvas and hang up."""
        GLib.source_remove(self._poll)
        self._canvas.close()
        self.backend.close()
        self.sight.show_before(False)
        self.discard()
        self._carrying.close()
        self._unsaved.follow([])

    # --- the people ---

    @property
    def domain(self) -> str:  # what the photo's subjects are
        return self.backend.described(self._opening.bundle).domain

    def choose(self, place: int) -> None:
        """Work on another person."""
        self.touch()
        person = self.people[place]
        if person is self.person:
            return
        self.person, person.offered = person, False
        self.shown.show_stack(person)
        if person.is_open:
            self.shown.opened(person)
        else:
            self._opening.open(person)

    def touch(self) -> None:
        """The user is at work: what runs for later makes room."""
        self.touched = time.monotonic()
        self._opening.make_room()

    # --- the stack ---

    def set_stack(self, stack: Stack, *, painted: bool = False) -> None:
        """The person's stack is another one: show it, roughly at once, then exactly. painted: by
        a brush.
        """
        person = self.person
        if person is None or person.subject is None or not self._is_there():
            return
        self.touch()
        self.shown.say("")  # no longer "Kept"
        person.stack = stack
        self.shown.show_stack(person)
        if not (painted or self.in_hand()):
            self.sight.clear(person)
        self._unsaved.follow([person.stack for person in self.changed])
        self.show(person)

    def show(self, person: PersonInPhoto) -> None:
        self._canvas.show(person)

    def open(self, person: PersonInPhoto, *, anew: bool) -> None:
        self._opening.open(person, anew=anew)

    def drawn(self) -> None:
        self._go_on_keeping()

    # --- keeping ---

    @property
    def changed(self) -> list[PersonInPhoto]:
        return [person for person in self.people if person.changed]

    def keep(self, then: Callable[[], None] | None = None) -> None:
        """Turn what the canvas shows into results, one undo step; waits for what is coming.

        then: is called when that is done.
        """
        self.before_keeping()
        self._keeping, self._kept_then = True, then
        self._go_on_keeping()

    def settle(self, then: Callable[[], None]) -> None:
        """Let the image have what the window shows, then go on: other commands read the image."""
        if self.changed:
            self.keep(then)
        else:
            then()

    def remember_person(self) -> int | None:
        """Let the image know who is worked on, without a trace in its history; their number."""
        person = self.person
        if person is None or person.subject is None or not self._is_there():
            return None
        self._renumber()
        if person.number not in {known.number for known in subjects.readable(self.image)}:
            with no_trace(self.image):
                subjects.keep(self.image, self.photo.layer, person.subject, [])
            self._stamp = _stamp(self.image)
        return person.number

    def discard(self) -> None:
        """The canvas as it was before."""
        if self.image.is_valid():
            for person in self.people:
                if person.canvas is not None:
                    person.canvas.clear()
            self.sight.put_back()

    def _go_on_keeping(self) -> None:
        waiting = [person for person in self.changed if person.edited_stack != person.stack]
        if not self._keeping or waiting or self.is_painting():
            return
        self._keeping, done = False, self.changed
        self._renumber()
        self.discard()  # before the undo step: what leaves no trace freezes undo
        self._unsaved.follow([])
        try:
            with layers.undo_step(self.image):
                for person in done:
                    self._keep(person)
        except PlugInError as error:
            self.shown.warn(str(error))
            return
        self._stamp = _stamp(self.image)
        self.faces_kept += len(done)
        self.shown.say(_("Kept. Undo takes it back."))
        if self.person is not None:
            self.shown.show_stack(self.person)
        if self._kept_then is not None:
            self._kept_then()

    def _keep(self, person: PersonInPhoto) -> None:
        assert person.subject and person.stack and person.found
        stack = stacks.tidy(person.stack)
        if stack.entries:
            ready = (person.photo, person.subject, stack, person.found, person.edited)
            stack_result.write(stack_result.Ready(*ready))
        else:
            stack_result.remove(self.image, person.found)
        part_layers.hide(self.image, person.subject.number)
        self._read_again(person)

    def _renumber(self) -> None:
        for person in people.renumbered(self.people, self.image):
            self._carrying.known(person)

    def _read_again(self, person: PersonInPhoto) -> None:
        known = {subject.number: subject for subject in subjects.readable(self.image)}
        subject = known.get(person.number, person.subject)
        if subject is not None:
            person.remembered(subjects.placed(self.image, subject))

    def reread(self, person: PersonInPhoto) -> None:
        """A command has changed what the image remembers of somebody."""
        self._read_again(person)
        self.reopen(person)

    def reopen(self, person: PersonInPhoto) -> None:
        """The backend has the face as it was before."""
        person.is_open = False
        self._opening.open(person, anew=True)

    def found(self) -> None:
        """The people are there."""
        self._carrying.found()

    def known(self, person: PersonInPhoto) -> None:
        """The backend has the face."""
        self._carrying.known(person)
        self._canvas.show_face(person)

    # --- watching ---

    def _is_there(self) -> bool:
        return self.image.is_valid() and self.photo.layer.is_valid()

    def _look(self) -> None:
        """Undo, scripts and other commands change the image while the window is open."""
        if not self._is_there():
            self.shown.image_closed()
            return
        if (stamp := _stamp(self.image)) != self._stamp:
            self._stamp = stamp
            self._renumber()
            for person in self.people:
                if not person.changed:
                    self._read_again(person)
            if self.person:
                self.shown.show_stack(self.person)
                self._canvas.show_face(self.person)
                if not self.person.is_open:  # there is another result below by now
                    self._opening.open(self.person, anew=True)
        self._carrying.look()
        self.sight.look()
        self._unsaved.follow([person.stack for person in self.changed])
        self.go_on()

    def go_on(self) -> None:
        """What can be done while nobody waits."""
        self._opening.go_on()

    # --- the backend ---

    def tell(self, error: PlugInError) -> None:
        """A request of somebody else's failed."""
        self._failed(error)

    def say(self, text: str) -> None:
        self.shown.say(text)

    def show_preview(self, person: PersonInPhoto, preview: Preview) -> None:
        """What an optimisation looks like so far."""
        self.shown.show_face(person, preview.pixels)

    def _connected(self) -> None:
        self.shown.found(_STOPPED)
        if not self.people:
            self._opening.find_people()
            return
        for person in self.people:
            person.is_open = False
        if self.person:
            self._opening.open(self.person)

    def _not_connected(self, error: PlugInError) -> None:
        self.shown.say("")
        self.shown.warn(str(error), _("Connect A_gain"), self.start)

    def _failed(self, error: PlugInError) -> None:
        """Nothing is lost: what was chosen stays in the window."""
        if error.code == "unknown_photo" and self.person:
            self.person.is_open = False
            self._opening.open(self.person)
        elif error.code in _LOST:
            self._opening.forget()
            self.shown.lost(_STOPPED)
            self.start()
        else:
            self._keeping = False
            self.shown.warn(str(error))


def _stamp(image: Gimp.Image) -> tuple[object, ...]:
    """Another one with other people that the image remembers, or other results."""
    return stack_layers.stamp(image), tuple(subjects.names(image))
