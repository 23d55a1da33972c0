"""A person's stack, shown: roughly at once, while a slider is dragged; exactly once it rests."""

from __future__ import annotations

from typing import Protocol

from gi.repository import Gimp, GLib

from commands import stack_result
from commands.people import PersonInPhoto
from image.stacks import Stack
from image.strays import Unkept
from link.background import Background
from link.session import expect
from protocol.messages import Apply, Edited, PreviewStack, ResultLayer, StackPreview
from windows.shown import Shown

REST_MS = 200  # without a change: then the exact picture is asked for
FACE_SIDE = 96  # px, of the face that follows the sliders


class ShownStack(Protocol):
    """Whose canvas it is."""

    shown: Shown

    @property
    def image(self) -> Gimp.Image: ...

    @property
    def asking(self) -> Background | None: ...

    def open(self, person: PersonInPhoto, *, anew: bool) -> None:
        """Let the backend know the face; then it is shown."""

    def drawn(self) -> None:
        """Somebody's stack is on the canvas as it is."""


class Canvas:
    """Call `close` in the end."""

    def __init__(self, bench: ShownStack) -> None:
        self._bench = bench
        self._pending: dict[PersonInPhoto, int] = {}  # timers of exact pictures, by person
        self._exact: dict[PersonInPhoto, str] = {}  # jobs that make them

    def close(self) -> None:
        for timer in self._pending.values():
            GLib.source_remove(timer)
        self._pending.clear()

    def show(self, person: PersonInPhoto) -> None:
        self.show_face(person)
        if (job := self._exact.pop(person, "")) and self._bench.asking:
            self._bench.asking.cancel(job)  # of a stack that is no more
        if timer := self._pending.pop(person, 0):
            GLib.source_remove(timer)
        self._pending[person] = GLib.timeout_add(REST_MS, self._show_exactly, person)

    def show_face(self, person: PersonInPhoto) -> None:
        """The small picture, and the draft on the canvas: one request at a time, then the
        newest."""
        refs, base = person.stack.refs() if person.stack else [], person.photo
        edited = refs or base.patches or base.results
        if not (edited and person.subject and person.is_open and self._bench.asking):
            self._bench.shown.show_face(person, None)
            return
        photo = person.subject.photo

        def show(answer: StackPreview) -> None:
            self._bench.shown.show_face(person, answer.pixels)
            if answer.layer is not None and person.subject and person.subject.photo == photo:
                self._draft(person, answer.layer)

        self._bench.asking.latest(
            "face",
            PreviewStack(photo, refs, FACE_SIDE, on_photo=person.changed),
            lambda answer: show(expect(StackPreview, answer)),
        )

    def _draft(self, person: PersonInPhoto, layer: ResultLayer) -> None:
        """Until the exact picture of the stack is there; that of borrowed pixels is waited for."""
        stack = person.stack
        if stack is None or person.canvas is None or not person.is_open:
            return
        borrowed = any(entry.patch is not None for entry in stack.entries)
        if person.changed and stack.refs() and person.edited_stack != stack and not borrowed:
            person.canvas.show(layer)

    def _show_exactly(self, person: PersonInPhoto) -> bool:
        self._pending.pop(person, None)
        if not self._bench.image.is_valid():
            return GLib.SOURCE_REMOVE
        stack, subject = person.stack, person.subject
        assert stack is not None and subject is not None and person.canvas is not None
        based_anew = person.base()  # on other borrowed pixels
        if not stack.refs():
            self._drawn(person, stack, None)
        elif based_anew or not person.is_open:
            self._bench.open(person, anew=based_anew)
        elif self._bench.asking:
            self._exact[person] = self._bench.asking.ask(
                Apply(subject.photo, stack.refs()),
                lambda answer: self._drawn(person, stack, expect(Edited, answer)),
                "canvas",
            )
        return GLib.SOURCE_REMOVE

    def _drawn(self, person: PersonInPhoto, stack: Stack, edited: Edited | None) -> None:
        """edited: what the stack's vectors do; None where it has none."""
        if person.canvas is None or not self._bench.image.is_valid():
            return
        if stack != person.stack:
            return  # the draft of a newer one is there, and its exact picture is to come
        self._exact.pop(person, None)
        person.edited, person.edited_stack = edited, stack
        if person.changed:
            shown = stack_result.picture(person.photo, edited)
            if shown is not None:
                person.canvas.show(shown, Unkept(person.number, stack))
            else:
                person.canvas.show_nothing()
        else:
            person.canvas.clear()
        self._bench.drawn()
