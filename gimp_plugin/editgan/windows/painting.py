"""Painting in the EditGAN window: a chip makes a part's layer, the face follows the brush."""

from __future__ import annotations

import math
from dataclasses import replace

from gi.repository import Gimp, GLib

from commands.people import PersonInPhoto
from image import layers, mirror, part_layers, part_pixels, stacks
from image.brush import Brush
from image.chips import Chip, laid_out
from image.highlight import Highlight
from image.stacks import StackEntry
from image.watch import Watch
from link.backend_texts import backend_error
from link.errors import PlugInError
from link.latest import Latest
from link.part_names import part_name
from link.texts import _
from protocol.errors import BackendError
from protocol.messages import (
    Event,
    LiveRepaint,
    LiveRepainted,
    Message,
    PaintedPart,
    PartLayer,
    Preview,
)
from windows import correcting
from windows.paint_bar import PaintBar
from windows.polling import every
from windows.workbench import Workbench

POLL_MS = 250
_BRIEFLY_MS = 1500
_POINT_MS = 60  # the pointer crosses chips on its way: those do not light up
_FIRST, _MORE, _ALL = 8, 24, 150  # steps: to the first picture, between pictures, after a stroke
_PAUSE_MS = 250  # between rounds: the canvas comes first
_SOME = 0.1
_ENOUGH = 0.985  # of what was painted is there
_WIDEST = 0.25  # of the frame: of large parts no more counts for the brush


class Painting:
    """The person that is worked on, its part layers and the optimisation that follows them."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.bar = PaintBar(self)
        self._person: PersonInPhoto | None = None
        self._brush, self._mirrored = Brush(), False
        self._highlight = Highlight(bench.photo)
        self._pointing = 0
        self._chip: Chip | None = None
        self._part: PartLayer | None = None
        self._watch: Watch | None = None
        self._latest: Latest | None = None
        self._painted: list[PaintedPart] = []
        self._order: list[PartLayer] = []  # of part layers, the topmost first
        self._begun, self._left = False, 0
        bench.before_keeping, bench.is_painting = self._put_down, self._is_busy
        bench.in_hand = lambda: self._part is not None
        self._poll = every(POLL_MS, self._look)

    def show(self, person: PersonInPhoto) -> None:
        """Chips for the parts that this face shows; a face that was opened anew is painted on."""
        assert person.subject is not None
        described = self._bench.backend.described(person.subject.bundle)
        chips, self._order = laid_out(person.parts, described.groups)
        self.bar.fill(chips, {part.name: part.color for part in person.parts})
        shown = {name for chip in chips for name in chip.parts}
        in_hand = self._part.name if self._part and person is self._person else ""
        if in_hand in shown:
            self._part = next(part for part in person.parts if part.name == in_hand)
        else:
            self._put_down()
        self._stop()
        self._person = person
        if part_layers.find_group(self._bench.image, person.number):
            self._follow(person)

    def close(self) -> None:
        GLib.source_remove(self._poll)
        if self._pointing:
            GLib.source_remove(self._pointing)
        self._stop()
        self._highlight.clear()
        self._brush.give_back()

    # --- the bar ---

    def point_at(self, chip: Chip | None, *, briefly: bool = False) -> None:
        if self._pointing:
            GLib.source_remove(self._pointing)
        self._pointing = GLib.timeout_add(_POINT_MS, self._light_up, chip, briefly)

    def take(self, chip: Chip) -> None:
        """The chip's first part; the next one where it is in hand already."""
        person = self._person
        if person is None or person.subject is None or person is not self._bench.person:
            return
        self._bench.touch()
        place = 0
        if chip == self._chip and self._part and self._part.name in chip.parts:
            place = (chip.parts.index(self._part.name) + 1) % len(chip.parts)
        self._chip = chip
        self._part = next(part for part in person.parts if part.name == chip.parts[place])
        self._highlight.clear()
        try:
            self._lay_out(person, self._part)
        except PlugInError as error:
            self._bench.tell(error)
            return
        self.bar.show_part(self._part.name)
        most = _WIDEST * math.dist(person.quad[:2], person.quad[2:4])
        self._brush.fit(min(part_pixels.breadth(self._part), most), self._part.color)
        if self._watch is None:
            self._follow(person)
        self._bench.say(_("Paint where it should grow, erase where it should shrink."))

    def erase(self, on: bool) -> None:
        self._brush.erase(on)

    def mirror(self, on: bool) -> None:
        self._mirrored = on
        if on and self._person and self._part:
            self._lay_out(self._person, self._part)

    def correct(self) -> None:
        """What is painted is no edit, but where the parts are; the image remembers it."""
        person = self._person
        if person is None or person.subject is None or self._watch is None:
            return
        self._stop()
        self._take_away()
        self._bench.settle(lambda: correcting.correct(self._bench, person, self._follow))

    def _light_up(self, chip: Chip | None, briefly: bool) -> bool:
        self._pointing = 0
        if chip is None or self._person is None:
            self._highlight.clear()
        else:
            self._highlight.show([p for p in self._person.parts if p.name in chip.parts])
            if briefly:
                self._pointing = GLib.timeout_add(_BRIEFLY_MS, self._light_up, None, False)
        return GLib.SOURCE_REMOVE

    def _lay_out(self, person: PersonInPhoto, part: PartLayer) -> None:
        """The part's own layer, selected; those of other parts that were made stay."""
        image, subject = person.photo.image, person.subject
        assert subject is not None
        self._bench.sight.put_back()  # out of the way of a preview, GIMP lets nobody paint on it
        with layers.undo_step(image) as added:
            other = mirror.partner(part, person.parts) if self._mirrored else None
            for one in [other, part] if other else [part]:
                layer = part_layers.ensure(person.photo, subject, one, self._order, added)
            Gimp.Selection.none(image)  # else it would confine the brush
            image.set_selected_layers([layer])

    # --- following the brush ---

    def _follow(self, person: PersonInPhoto) -> None:
        assert person.subject is not None
        self._watch = Watch(self._bench.image, person.photo, person.subject)
        self._begun = False
        if self._entry(person) is not None:  # what is painted is in the stack already
            self._read()

    def _look(self) -> None:
        person = self._person
        if self._watch is None or person is None or not person.is_open:
            return
        if not self._bench.image.is_valid():
            return
        painted = self._read()
        if painted is not None and self._mirrored and self._part:
            painted = self._mirror(person, self._part, painted)
        if painted is not None:
            self._bench.touch()
            self._painted, self._left = painted, _ALL
            self._send(_FIRST)

    def _mirror(
        self, person: PersonInPhoto, part: PartLayer, painted: list[PaintedPart]
    ) -> list[PaintedPart]:
        """The other side, painted as this one; what is painted with that."""
        other = mirror.partner(part, person.parts)
        mine = next((one for one in painted if one.part == part.name), None)
        group = part_layers.find_group(self._bench.image, person.number)
        layer = part_layers.layer_of(group, other.name) if group and other else None
        if not (other and mine and layer and self._watch):
            return painted
        mirror.write(person.photo, layer, (part, other), mine, person.quad)
        Gimp.displays_flush()
        self._watch.forget()
        return self._read() or painted

    def _read(self) -> list[PaintedPart] | None:
        assert self._watch is not None
        try:
            return self._watch.changed()
        except PlugInError:  # the part layers were removed: there is nothing to follow
            self._stop()
            return None

    def _send(self, steps: int) -> None:
        person = self._person
        connection = self._bench.backend.connection
        if person is None or person.subject is None or connection is None:
            return
        if self._latest is None:
            self._latest = Latest(connection, self._heard, self._answered)
        group = part_layers.find_group(self._bench.image, person.number)
        self._latest.offer(
            LiveRepaint(
                photo=person.subject.photo,
                layers=self._painted,
                steps=min(steps, max(self._left, 1)),
                resume=self._begun,
                only=part_layers.made_in(group) if group else None,
            )
        )

    def _heard(self, event: Event) -> None:
        if isinstance(event, Preview):
            self._begun = True
            if self._person:
                self._bench.show_preview(self._person, event)

    def _answered(self, answer: Message | BackendError) -> None:
        if isinstance(answer, LiveRepainted) and self._person is not None:
            self._begun = True
            self._left -= answer.report.steps
            share = answer.report.agreement
            self._put(self._person, answer)
            text = _("Following the brush.")
            if share >= _SOME:
                text = _("{share}% of the repainted area matches.")
            self._bench.say(text.format(share=round(100 * share)))
            if share < _ENOUGH and self._left > 0:
                GLib.timeout_add(_PAUSE_MS, self._go_on)
        elif isinstance(answer, BackendError):
            self._failed(answer)
        self._bench.drawn()  # keeping waits for the round that ends

    def _is_busy(self) -> bool:
        return self._latest is not None and self._latest.busy

    def _put_down(self) -> None:
        """What there is counts: no further rounds after this one, which ends soon. And no brush in
        the part's colour, which would hit the result: its layer is hidden once it is kept.
        """
        self._left = 0
        if self._latest is not None:
            self._latest.end_soon()
        self._part = self._chip = None
        self.bar.show_part(None)
        self._brush.give_back()

    def _go_on(self) -> bool:
        if self._latest is not None and not self._latest.busy and self._left > 0:
            self._send(_MORE)
        return GLib.SOURCE_REMOVE

    def _failed(self, error: BackendError) -> None:
        if error.code == "cancelled":  # it had not begun when the next stroke came
            return
        self._begun = False
        if error.code == "nothing_changed":
            self._take_away()
        else:
            self._stop_asking()
            self._bench.tell(PlugInError(backend_error(error.code, error.message), error.code))

    # --- the stack's entry ---

    def _entry(self, person: PersonInPhoto) -> StackEntry | None:
        entries = person.stack.entries if person.stack else ()
        return next((entry for entry in entries if entry.name == stacks.PAINTED), None)

    def _put(self, person: PersonInPhoto, learnt: LiveRepainted) -> None:
        if person is not self._bench.person or person.stack is None:
            return
        names = ", ".join(map(part_name, learnt.parts))
        before = self._entry(person)
        title = _("Painted {parts}").format(parts=names)
        entry = stacks.painted(title, learnt.parts, learnt.vector, learnt.painted)
        if before:
            entry = replace(entry, scale=before.scale, on=before.on)
        self._bench.set_stack(stacks.with_entry(person.stack, entry), painted=True)

    def _take_away(self) -> None:
        """The parts are as they were: the entry goes, too."""
        person = self._person
        if person and person.stack and self._entry(person):
            place = stacks.place_of(person.stack, stacks.PAINTED)
            assert place is not None
            self._bench.set_stack(stacks.without(person.stack, place), painted=True)

    def _stop(self) -> None:
        self._stop_asking()
        self._watch = None

    def _stop_asking(self) -> None:
        if self._latest is not None:
            self._latest.close()
        self._latest = None
