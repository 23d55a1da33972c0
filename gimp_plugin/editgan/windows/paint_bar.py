"""Chips of parts to paint, the eraser, and the mirror."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk, Pango

from image.chips import Chip, mirrored
from link.part_names import part_name
from link.texts import _

Color = tuple[int, int, int]


@functools.cache
def _small() -> Gtk.CssProvider:
    """For chips and tools: as little room as their words need."""
    style = Gtk.CssProvider()
    style.load_from_data(b"button { padding: 1px 5px; min-height: 0; }")
    return style


def _bold() -> Pango.AttrList:
    found = Pango.AttrList()
    found.insert(Pango.attr_weight_new(Pango.Weight.BOLD))
    return found


class Painter(Protocol):
    """What the bar's buttons do."""

    def point_at(self, chip: Chip | None, *, briefly: bool = False) -> None:
        """Light the chip's parts up on the canvas; None: none."""

    def take(self, chip: Chip) -> None:
        """Paint on a part of the chip; again: on its next one."""

    def erase(self, on: bool) -> None: ...

    def mirror(self, on: bool) -> None: ...

    def correct(self) -> None:
        """The layers show where the parts of the photo really are."""


class PaintBar:
    """`fill` for every face; `show_part` says which part is painted on."""

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._flow = Gtk.FlowBox(
            selection_mode=Gtk.SelectionMode.NONE,
            min_children_per_line=4,  # else it asks for the height of a single column
            max_children_per_line=5,
            column_spacing=2,
            row_spacing=2,
            can_focus=False,
            hexpand=True,
        )
        self._heading = Gtk.Label(xalign=0.0, hexpand=True, ellipsize=Pango.EllipsizeMode.END)
        self._heading.set_attributes(_bold())
        self._heading.set_tooltip_text(_("Choose a part, then paint with P"))
        self._eraser = self._toggle(
            _("Era_ser"),
            _("The brush takes away instead of adding"),
            painter.erase,
        )
        self._mirror = self._toggle(
            _("M_irror"),
            _("What is done to one brow, eye or ear is done to the other one, too"),
            painter.mirror,
        )
        self._correct = Gtk.Button.new_with_mnemonic(_("Correc_t"))
        tip = _(
            "The layers show where the parts of the photo really are: find it in the model anew "
            "by them, and change nothing in the photo"
        )
        self._correct.set_tooltip_text(tip)
        self._correct.connect("clicked", lambda _button: painter.correct())
        for button in (self._eraser, self._mirror, self._correct):
            small = Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION
            button.get_style_context().add_provider(_small(), small)
        tools = Gtk.Box(spacing=6)
        tools.pack_start(self._heading, True, True, 0)
        tools.pack_end(self._correct, False, False, 0)
        tools.pack_end(self._mirror, False, False, 0)
        tools.pack_end(self._eraser, False, False, 0)
        self.widget = Gtk.Grid(row_spacing=4)
        self.widget.attach(tools, 0, 0, 1, 1)
        self.widget.attach(self._flow, 0, 1, 1, 1)
        self.show_part(None)

    def fill(self, chips: Sequence[Chip], colors: Mapping[str, Color]) -> None:
        for child in self._flow.get_children():
            self._flow.remove(child)
        for chip in chips:
            self._flow.add(self._chip(chip, colors[chip.parts[0]]))
        self._flow.show_all()

    def show_part(self, part: str | None) -> None:
        """Which part the brush is for; None: it is the photographer's own, and no eraser."""
        if part is None:
            self._eraser.set_active(False)
        self._heading.set_text(part_name(part) if part else _("Paint"))
        self._eraser.set_sensitive(part is not None)
        self._correct.set_sensitive(part is not None)
        self._mirror.set_sensitive(part is not None and mirrored(part) is not None)

    def _chip(self, chip: Chip, color: Color) -> Gtk.Widget:
        label = Gtk.Label()
        swatch = "#{:02x}{:02x}{:02x}".format(*color)
        label.set_markup(f'<span foreground="{swatch}">■</span> {part_name(chip.name)}')
        button = Gtk.Button()
        button.add(label)
        button.get_style_context().add_provider(_small(), Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)
        button.get_accessible().set_name(part_name(chip.name))
        names = ", ".join(map(part_name, chip.parts))
        several = _("Paint on: {parts}. Again: the next one.")
        tip = several if len(chip.parts) > 1 else _("Paint on: {parts}")
        button.set_tooltip_text(tip.format(parts=names))
        button.connect("clicked", lambda _button: self._painter.take(chip))
        point = self._painter.point_at
        button.connect("enter-notify-event", lambda *_event: point(chip))
        # the keyboard may stay on the chip for long: the part does not stay lit up
        button.connect("focus-in-event", lambda *_event: point(chip, briefly=True))
        for leave in ("leave-notify-event", "focus-out-event"):
            button.connect(leave, lambda *_event: point(None))
        child = Gtk.FlowBoxChild(can_focus=False)
        child.add(button)
        return child

    def _toggle(self, label: str, tip: str, work: Callable[[bool], None]) -> Gtk.ToggleButton:
        button = Gtk.ToggleButton(label=label, use_underline=True)
        button.set_tooltip_text(tip)
        button.connect("toggled", lambda one: work(one.get_active()))
        return button
