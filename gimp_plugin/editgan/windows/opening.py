"""Finding the people of a photo, and letting the backend know each of them, one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from gi.repository import Gimp

from commands import apply, embedding, people
from commands.people import PersonInPhoto
from image import frames, part_layers, photos, sending, state, strays, subjects
from image.glance import Glance
from link.background import Background
from link.errors import PlugInError
from link.progress import describe
from link.reconnecting import Backend
from link.session import expect
from link.texts import _
from protocol.messages import (
    Detected,
    Event,
    JobRequest,
    Level,
    Message,
    Pixels,
    Progress,
    Segment,
    Segmented,
    Subject,
)
from windows.shown import Shown

IDLE_S = 2.0  # without a click: then others are embedded, too
QUIET_S = 6.0  # without any work: then those who are known are embedded better
_BETTER: dict[Level, Level] = {"fast": "balanced", "balanced": "faithful"}


class Bench(Protocol):
    """Whose people they are."""

    photo: photos.PhotoLayer
    people: list[PersonInPhoto]
    person: PersonInPhoto | None
    shown: Shown
    backend: Backend
    touched: float  # when the user did something, time.monotonic()

    @property
    def image(self) -> Gimp.Image: ...

    @property
    def asking(self) -> Background | None: ...

    def choose(self, place: int) -> None: ...

    def found(self) -> None: ...

    def known(self, person: PersonInPhoto) -> None: ...

    def show(self, person: PersonInPhoto) -> None: ...

    def tell(self, error: PlugInError) -> None: ...


class Opening:
    """Who is chosen comes first; the others as long as nobody waits for something else."""

    def __init__(self, bench: Bench, drawables: Sequence[Gimp.Drawable]) -> None:
        self._bench, self._drawables = bench, drawables
        self._opening: tuple[PersonInPhoto, str] | None = (
            None  # who is being embedded, by which job
        )
        self._improving = False  # somebody who is known already
        self._model = ""  # which was chosen, "" for faces
        self._good_enough: set[PersonInPhoto] = set()  # who cannot be embedded better
        self._given_up: set[PersonInPhoto] = (
            set()
        )  # who could not be opened: not again without being asked
        self._quiet = time.monotonic()  # since when nothing has been done
        self._unkept: list[strays.Unkept] = []  # stacks that the image was saved with

    def make_room(self) -> None:
        """Somebody is worked on: the others wait, and so does what is good enough."""
        others = self._opening and self._opening[0] is not self._bench.person
        if self._opening and (others or self._improving) and self._bench.asking:
            self._bench.asking.cancel(self._opening[1])

    def forget(self) -> None:
        """The backend is gone, and with it what was under way."""
        self._opening, self._improving = None, False
        self._given_up.clear()

    def find_people(self) -> None:
        """Look for faces; those that the image remembers are there at once."""
        self._bench.shown.say(_("Looking for people"))
        glance = Glance.at(self._bench.photo.layer)
        try:
            message = embedding.detection(self._bench.photo, self.bundle)
        except PlugInError as error:
            self._bench.shown.warn(str(error), _("_Look Again"), self.find_people)
            return

        def found(answer: Message) -> None:
            if glance.holds():
                self._arrange(expect(Detected, answer).subjects)
            else:  # the image was turned, say, while they were looked for
                self.find_people()

        def failed(error: PlugInError) -> None:
            if error.code != "no_subject" or glance.holds():
                self._not_found(error)
            else:
                self.find_people()

        self._ask(message, found, "people", failed)

    @property
    def bundle(self) -> str:
        """The model that this photo's people are known to, or was chosen, or the one for faces."""
        known = [subject.bundle for subject in subjects.readable(self._bench.image)]
        return (known or [self._model or apply.DEFAULT_BUNDLE])[0]

    def _not_found(self, error: PlugInError) -> None:
        if error.code != "no_subject":
            self._bench.tell(error)
        elif known := subjects.readable(self._bench.image):
            self._arrange([])
        else:
            assert not known
            self._bench.shown.say("")
            if len(self._bench.backend.ready) > 1:
                text = _("{problem} If it shows something else, choose a model of that.")
                text = text.format(problem=error)
                self._bench.shown.warn(text, _("Choose a Mo_del"), self._choose_model)
            else:
                self._bench.shown.warn(str(error), _("_Look Again"), self.find_people)

    def _choose_model(self) -> None:
        """For a photo of something else; models that find nothing take what is selected."""
        chosen = self._bench.shown.ask_model(self._bench.backend.ready, self.bundle)
        if chosen:
            self._model = chosen
            self.find_people()

    def _arrange(self, found: Sequence[Subject]) -> None:
        known = [
            k
            for k in subjects.readable(self._bench.image)
            if self._bench.backend.sha_of(k.bundle) == k.sha
        ]
        self._unkept += strays.take(self._bench.image)
        self._bench.people = people.of_photo(self._bench.photo, known, found)
        for person in self._bench.people:
            strays.adopt(self._unkept, person)
        self._bench.shown.say("")
        self._bench.found()
        if self._bench.people:
            first = people.meant(self._bench.people, self._bench.image, self._drawables, found)
            self._bench.shown.show_people(self._bench.people, self._bench.people.index(first))
            self._bench.choose(self._bench.people.index(first))

    def open(self, person: PersonInPhoto, *, anew: bool = False) -> None:
        """Let the backend know the face: its code from the image, or found now.

        anew: what is under way for this person is of a photo that has changed since.
        """
        if self._opening and self._bench.asking:
            if self._opening[0] is person and not self._improving and not anew:
                return
            self._bench.asking.cancel(self._opening[1])
        self._improving = False
        try:
            wish = embedding.Wish(self.bundle, "fast")  # improved while one looks
            message = sending.named(
                person.photo,
                embedding.opening(person.photo, person.quad, person.rect, wish, person.subject),
            )
        except PlugInError as error:
            self._bench.shown.warn(str(error))
            return
        self._bench.shown.show_person(person, True)
        self._given_up.discard(person)
        photo, look = person.photo, frames.look(person.photo.layer, message.quad)

        def opened(answer: Message) -> None:
            if (person.photo, person.quad) == (photo, message.quad):  # else it is opened anew
                self._opened(person, message, expect(Segmented, answer), look)

        def failed(error: PlugInError) -> None:
            self._ended(job)
            self._bench.shown.show_person(person, False)
            if error.code != "cancelled":
                self._given_up.add(person)
                self._bench.shown.say("")
                missing = error.code == sending.NO_MODEL
                self._bench.tell(sending.no_model(message.bundle) if missing else error)

        job = self._ask(message, opened, "open", failed, lambda event: self._heard(person, event))
        self._opening = (person, job) if job else None

    def _opened(
        self, person: PersonInPhoto, message: Segment, answer: Segmented, look: Pixels
    ) -> None:
        self._opening = None
        sha = self._bench.backend.sha_of(message.bundle)
        subject = embedding.state_after(person.photo, message, answer, sha, look)
        if person.subject is None:
            person.remembered(replace(subject, subject=person.number))
            strays.adopt(self._unkept, person)
        else:  # its pixels may be others by now, its report is the first one's
            person.subject = state.renamed(person.subject, subject.photo)
        person.parts, person.is_open = list(answer.parts), True
        self._bench.known(person)
        self._bench.shown.show_person(person, False)
        if person is self._bench.person:
            self._bench.shown.say("")
            self._bench.shown.show_stack(person)
            self._bench.shown.opened(person)
            if person.changed:
                self._bench.show(person)

    def _improve(self, person: PersonInPhoto) -> None:
        """Embed a face better than it is, without a word: its dot says how good it is then."""
        subject = person.subject
        assert subject is not None
        wish = embedding.Wish(subject.bundle, subject.level)
        try:
            known = embedding.opening(person.photo, person.quad, person.rect, wish, subject)
        except PlugInError:  # the photo was changed: whoever works on it is told
            return
        message = sending.named(
            person.photo, replace(known, level=_BETTER[subject.level], improve=True)
        )

        def improved(answer: Message) -> None:
            """The backend has the better code from now on, so the window has, too."""
            self._ended(job)
            if person.quad != message.quad:  # the image was turned meanwhile
                return
            better = expect(Segmented, answer)
            sha = self._bench.backend.sha_of(message.bundle)
            found = embedding.state_after(person.photo, message, better, sha, subject.look)
            person.subject = replace(found, subject=person.number, stack=subject.stack)
            person.parts = list(better.parts)
            self._bench.shown.show_person(person, False)

        def failed(error: PlugInError) -> None:
            self._ended(job)
            if error.code != "cancelled":  # nobody has asked for it, so nobody is told
                self._good_enough.add(person)

        job = self._ask(message, improved, "open", failed)
        self._opening, self._improving = ((person, job), True) if job else (None, False)

    def _ended(self, job: str) -> None:
        """By now somebody else may be embedded instead."""
        if self._opening and self._opening[1] == job:
            self._opening, self._improving = None, False

    def _can_improve(self, person: PersonInPhoto) -> bool:
        """Whether nothing hangs on the present code yet: no edit, and no layer to paint on."""
        edited = person.changed or bool(person.found and person.found.stack.entries)
        return (
            person.is_open
            and not edited
            and person not in self._good_enough
            and person.subject is not None
            and person.subject.level in _BETTER
            and part_layers.find_group(self._bench.image, person.number) is None
        )

    def _heard(self, person: PersonInPhoto, event: Event) -> None:
        if person is self._bench.person and isinstance(event, Progress):
            text = _("Getting to know this face: {text}")
            if len(self._bench.people) > 1:
                text = _("Getting to know face {number} of {count}: {text}")
            number, count = self._bench.people.index(person) + 1, len(self._bench.people)
            self._bench.shown.say(text.format(number=number, count=count, text=describe(event)))

    def go_on(self) -> None:
        """Get to know the others as long as nobody waits for something else, then better."""
        now = time.monotonic()
        if self._opening or not self._bench.asking or self._bench.asking.is_busy:
            self._quiet = now
            return
        if now - self._bench.touched < IDLE_S:
            return
        closed = [p for p in self._bench.people if not p.is_open and not p.offered]
        others = [person for person in closed if person not in self._given_up]
        if others:
            self.open(others[0])
        elif now - max(self._quiet, self._bench.touched) > QUIET_S:
            first = sorted(self._bench.people, key=lambda one: one is not self._bench.person)
            if better := [person for person in first if self._can_improve(person)]:
                self._improve(better[0])

    def _ask(
        self,
        message: JobRequest,
        done: Callable[[Message], None],
        slot: str,
        failed: Callable[[PlugInError], None],
        heard: Callable[[Event], None] | None = None,
    ) -> str:
        if self._bench.asking is None:
            return ""
        return self._bench.asking.ask(message, done, slot, failed=failed, heard=heard)
