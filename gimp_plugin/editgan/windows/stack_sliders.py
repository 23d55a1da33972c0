"""The chosen edits, each with a slider in the range in which it looks natural."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gi

from windows import dialogs

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk, Pango

from image import stacks
from image.stacks import Entry, Stack
from link.texts import _

_STEP = 0.05


class StackSliders:
    """Holds the stack; on_change() is called after every change."""

    def __init__(self, stack: Stack, on_change: Callable[[], None]) -> None:
        self.stack = stack
        self._on_change = on_change
        self._grid = Gtk.Grid(row_spacing=3, column_spacing=6, margin=6)
        self._empty = dialogs.hint(
            _("Nothing chosen yet. Double-click an edit, or press Return or + on it.")
        )
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, vexpand=True, can_focus=False)
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        scrolled.set_size_request(-1, 130)
        scrolled.add(self._grid)
        self.widget = scrolled
        self._rebuild()

    def add(self, entry: Entry) -> None:
        """Put an edit on the stack, unless it is there. The keyboard stays where it is."""
        if entry.name not in self._names():
            self._set(replace(self.stack, entries=(*self.stack.entries, entry)))

    def focus(self, name: str) -> bool:
        """Give the keyboard to an edit's slider; False where the stack does not have it."""
        if name not in self._names():
            return False
        self._grid.get_child_at(1, self._names().index(name)).grab_focus()
        return True

    def _names(self) -> list[str]:
        return [entry.name for entry in self.stack.entries]

    def reset(self) -> None:
        self._set(replace(self.stack, entries=()))

    def _set(self, stack: Stack) -> None:
        self.stack = stack
        self._rebuild()
        self._on_change()

    def _rebuild(self) -> None:
        for child in self._grid.get_children():
            self._grid.remove(child)
        if not self.stack.entries:
            self._grid.attach(self._empty, 0, 0, 4, 1)
        for place, entry in enumerate(self.stack.entries):
            for column, widget in enumerate(self._row(place, entry)):
                self._grid.attach(widget, column, place, 1, 1)
        self._grid.show_all()

    def _row(self, place: int, entry: Entry) -> tuple[Gtk.Widget, ...]:
        low, high = min(entry.low, entry.scale), max(entry.high, entry.scale)
        values = Gtk.Adjustment(
            value=entry.scale, lower=low, upper=high, step_increment=_STEP, page_increment=0.25
        )
        values.connect("value-changed", self._moved, place)
        title = Gtk.Label(label=entry.title, xalign=0.0, width_chars=11, max_width_chars=14)
        title.set_ellipsize(Pango.EllipsizeMode.END)
        title.set_tooltip_text(f"{entry.title}: {', '.join(entry.parts)}")
        slider = Gtk.Scale(adjustment=values, draw_value=False, hexpand=True)
        slider.set_size_request(160, -1)
        slider.add_mark(0.0, Gtk.PositionType.BOTTOM, None)
        number = Gtk.SpinButton(adjustment=values, digits=2, width_chars=5)
        for widget in (slider, number):
            widget.set_tooltip_text(
                _("How strong: 1 as it was learnt, 0 not at all, negative the opposite")
            )
        remove = Gtk.Button.new_from_icon_name("list-remove", Gtk.IconSize.BUTTON)
        remove.set_tooltip_text(_("Take “{title}” off the stack").format(title=entry.title))
        remove.connect("clicked", lambda _b: self._set(stacks.without(self.stack, place)))
        return title, slider, number, remove

    def _moved(self, values: Gtk.Adjustment, place: int) -> None:
        self.stack = stacks.set_scale(self.stack, place, round(values.get_value(), 4))
        self._on_change()
