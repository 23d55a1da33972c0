"""The library's edits in the EditGAN window: listed once, shown on every face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from commands import apply
from commands.people import PersonInPhoto
from image import stacks
from link.backend_texts import in_users_language
from link.errors import PlugInError
from link.session import expect
from protocol.messages import (
    EditContent,
    EditInfo,
    EditRef,
    Edits,
    EditThumbnails,
    GetEdit,
    ListEdits,
    Message,
    PreviewEdits,
)
from windows.preset_grid import PICTURE, PresetGrid
from windows.workbench import Workbench

_AT_ONCE = 3  # thumbnails in one request: a slider need not wait for all of them


class Presets:
    """Fills the grid for the person that is worked on."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.grid = PresetGrid(self._scaled)
        self._edits: list[EditInfo] = []
        self._contents: dict[str, EditContent] = {}
        self._wanted: dict[str, float] = {}  # of edits whose vectors are still to come

    def show(self, person: PersonInPhoto) -> None:
        """The edits as they look on this face."""
        if not self._edits:
            self.reload()
            return
        shown = self.grid.fill(self._edits)
        self.follow(person)
        self._look_at(person, shown, 1)  # the first one is there as soon as can be

    def reload(self) -> None:
        """Read the library anew."""
        person = self._bench.person
        if person and person.subject and self._bench.asking:
            self._bench.asking.ask(ListEdits(person.subject.bundle), self._listed)

    def follow(self, person: PersonInPhoto) -> None:
        """Let the sliders stand where the stack has them."""
        if person.stack is not None:
            self.grid.show_scales(
                {e.name: e.scale for e in person.stack.entries if e.on} | self._wanted
            )

    def _listed(self, answer: Message) -> None:
        edits = [in_users_language(edit) for edit in expect(Edits, answer).edits]
        if edits == self._edits:
            return
        self._edits, self._contents = edits, {}
        if self._bench.person and self._edits:
            self.show(self._bench.person)

    def _look_at(
        self, person: PersonInPhoto, edits: Sequence[EditInfo], count: int = _AT_ONCE
    ) -> None:
        """`count` of them, then a few at a time, as long as this person is worked on."""
        if not edits or person is not self._bench.person or not person.is_open:
            return
        now, later = edits[:count], edits[count:]

        def show(answer: Message) -> None:
            for edit, look in zip(now, expect(EditThumbnails, answer).thumbnails, strict=True):
                if person is self._bench.person:
                    self.grid.show_look(edit.name, look)
            self._look_at(person, later)

        assert person.subject is not None
        refs = [EditRef(name=edit.name, scale=edit.default) for edit in now]
        if self._bench.asking:
            self._bench.asking.ask(PreviewEdits(person.subject.photo, refs, PICTURE), show, "looks")

    def _scaled(self, edit: EditInfo, scale: float) -> None:
        """A slider was moved: the edit is on the stack from now on, or has another strength."""
        person = self._bench.person
        if person is None or person.stack is None:
            return
        place = stacks.place_of(person.stack, edit.name)
        if place is not None:
            self._bench.set_stack(stacks.set_scale(person.stack, place, scale))
        elif edit.name in self._contents:
            self._add(person, self._contents[edit.name], scale)
        else:
            self._fetch(person, edit, scale)

    def _fetch(self, person: PersonInPhoto, edit: EditInfo, scale: float) -> None:
        fetching = edit.name in self._wanted
        self._wanted[edit.name] = scale
        if fetching or not self._bench.asking or person.subject is None:
            return

        def fetched(answer: Message) -> None:
            self._contents[edit.name] = expect(EditContent, answer)
            self._add(person, self._contents[edit.name], self._wanted.pop(edit.name))

        def failed(error: PlugInError) -> None:
            self._wanted.pop(edit.name, None)
            self._bench.tell(error)

        message = GetEdit(person.subject.bundle, edit.name)
        self._bench.asking.ask(message, fetched, "content", failed=failed)

    def _add(self, person: PersonInPhoto, content: EditContent, scale: float) -> None:
        if person is not self._bench.person or person.stack is None or person.subject is None:
            return
        try:
            apply.check_model(content, person.subject)
        except PlugInError as error:
            self._bench.tell(error)
            self.follow(person)
            return
        entry = stacks.entry_of(content, scale)
        stack = person.stack
        if stacks.place_of(stack, entry.name) is None:
            self._bench.set_stack(replace(stack, entries=(*stack.entries, entry)))
