"""The chosen edits, each with a slider in the range in which it looks natural."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gi

from windows import dialogs

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk, Pango

from image import stacks
from image.stacks import Stack, StackEntry
from link.part_names import part_name
from link.texts import _
from windows.preset_grid import small

_STEP = 0.05
_LOW, _HIGH = 92, 130  # px, of the list


class StackSliders:
    """Holds the stack; on_change() is called after every change that the user makes here.

    compact: for a small window.
    """

    def __init__(
        self, stack: Stack, on_change: Callable[[], None], empty: str = "", *, compact: bool = False
    ) -> None:
        self.stack = stack
        self._on_change = on_change
        self._told = False  # `show` moves the sliders, not the user
        self._values: list[Gtk.Adjustment] = []
        self._grid = Gtk.Grid(row_spacing=3, column_spacing=6, margin=6)
        self._empty = dialogs.hint(
            empty or _("Nothing chosen yet. Double-click an edit, or press Return or + on it.")
        )
        self._compact = compact
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, can_focus=False)
        scrolled.set_vexpand(not compact)
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        scrolled.set_size_request(-1, _LOW if compact else _HIGH)
        scrolled.add(self._grid)
        self.widget = scrolled
        self._rebuild()

    def add(self, entry: StackEntry) -> None:
        """Put an edit on the stack, unless it is there. The keyboard stays where it is."""
        if stacks.place_of(self.stack, entry.name) is None:
            self._set(replace(self.stack, entries=(*self.stack.entries, entry)))

    def focus(self, name: str) -> bool:
        """Give the keyboard to an edit's slider; False where the stack does not have it."""
        place = stacks.place_of(self.stack, name)
        if place is None:
            return False
        self._grid.get_child_at(2, place).grab_focus()
        return True

    def show(self, stack: Stack) -> None:
        """Another stack, set from elsewhere; a slider that is being dragged stays in the hand."""
        rows = [(entry.name, entry.title, entry.on) for entry in stack.entries]
        same = rows == [(entry.name, entry.title, entry.on) for entry in self.stack.entries]
        self.stack = stack
        if not same:
            self._rebuild()
            return
        self._told = True
        for values, entry in zip(self._values, stack.entries, strict=True):
            values.set_lower(min(values.get_lower(), entry.scale))
            values.set_upper(max(values.get_upper(), entry.scale))
            values.set_value(entry.scale)
        self._told = False

    def reset(self) -> None:
        self._set(replace(self.stack, entries=()))

    def _set(self, stack: Stack) -> None:
        self.stack = stack
        self._rebuild()
        self._on_change()

    def _rebuild(self) -> None:
        for child in self._grid.get_children():
            self._grid.remove(child)
        self._values = []
        if not self.stack.entries:
            self._grid.attach(self._empty, 0, 0, 6, 1)
        for place, entry in enumerate(self.stack.entries):
            for column, widget in enumerate(self._row(place, entry)):
                self._grid.attach(widget, column, place, 1, 1)
        self._grid.show_all()

    def _row(self, place: int, entry: StackEntry) -> tuple[Gtk.Widget, ...]:
        low, high = min(entry.low, entry.scale), max(entry.high, entry.scale)
        values = Gtk.Adjustment(
            value=entry.scale, lower=low, upper=high, step_increment=_STEP, page_increment=0.25
        )
        values.connect("value-changed", self._moved, place)
        self._values.append(values)
        title = Gtk.Label(label=entry.title, xalign=0.0, width_chars=11, max_width_chars=14)
        title.set_ellipsize(Pango.EllipsizeMode.END)
        title.set_line_wrap(True)
        title.set_lines(2)  # "Painted upper lip, lower lip" says the most in its second half
        title.set_attributes(small())
        title.set_tooltip_text(f"{entry.title}: {', '.join(map(part_name, entry.parts))}")
        slider = Gtk.Scale(adjustment=values, draw_value=False, hexpand=True)
        slider.set_size_request(80 if self._compact else 120, -1)
        slider.set_has_origin(False)  # 0 is within, not at the left end
        slider.add_mark(0.0, Gtk.PositionType.BOTTOM, None)
        number = (
            _number(values)
            if self._compact
            else Gtk.SpinButton(adjustment=values, digits=2, width_chars=5)
        )
        for widget in (slider, number):
            widget.get_accessible().set_name(entry.title)
            widget.set_tooltip_text(_("Strength: 1 = as learned, 0 = off, negative = the opposite"))
            widget.set_sensitive(entry.on)
        return self._switch(place, entry), title, slider, number, *self._buttons(place, entry)

    def _switch(self, place: int, entry: StackEntry) -> Gtk.Widget:
        switch = Gtk.CheckButton(active=entry.on)
        switch.set_tooltip_text(_("Let “{title}” count or not").format(title=entry.title))
        switch.connect(
            "toggled", lambda one: self._set(stacks.switched(self.stack, place, one.get_active()))
        )
        return switch

    def _buttons(self, place: int, entry: StackEntry) -> tuple[Gtk.Widget, ...]:
        up = Gtk.Button.new_from_icon_name("go-up", Gtk.IconSize.BUTTON)
        up.set_tooltip_text(_("Move “{title}” up").format(title=entry.title))
        up.connect("clicked", lambda _b: self._set(stacks.moved(self.stack, place, -1)))
        up.set_sensitive(place > 0)
        remove = Gtk.Button.new_from_icon_name("user-trash", Gtk.IconSize.BUTTON)
        remove.set_tooltip_text(_("Remove “{title}”").format(title=entry.title))
        remove.connect("clicked", lambda _b: self._set(stacks.without(self.stack, place)))
        for button in (up, remove):
            button.set_relief(Gtk.ReliefStyle.NONE)
        return up, remove

    def _moved(self, values: Gtk.Adjustment, place: int) -> None:
        if not self._told:
            self.stack = stacks.set_scale(self.stack, place, round(values.get_value(), 4))
            self._on_change()


def _number(values: Gtk.Adjustment) -> Gtk.Label:
    """What a slider says, to read."""
    label = Gtk.Label(xalign=1.0, width_chars=5)

    def show(*_event: object) -> None:
        label.set_text(stacks.decimal(values.get_value()))

    values.connect("value-changed", show)
    show()
    return label
