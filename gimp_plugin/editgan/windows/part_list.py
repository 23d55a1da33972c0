"""The names and colours of a new model's parts: a template, and what one makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gtk

from link.texts import _
from protocol.messages import PartTemplate, PartToLabel
from windows.dialogs import row

_HEIGHT = 230  # px of the list
TITLES = {"Faces": _("Faces"), "Cars": _("Cars"), "Birds": _("Birds"), "Cats": _("Cats")}
_OWN = "own"  # in the list of templates: none of them
_OWN_ROWS = 4
_COLORS = ((90, 90, 90), (230, 90, 80), (80, 160, 230), (240, 200, 70), (120, 200, 110))


class PartList:
    """`widget`; `parts` is what it says now. use(): the user wants these parts."""

    def __init__(self, use: Callable[[], None]) -> None:
        self._templates: Sequence[PartTemplate] = ()
        self._rows: list[tuple[Gtk.ColorButton, Gtk.Entry]] = []
        self._choice = Gtk.ComboBoxText(hexpand=True)
        self._choice.connect("changed", lambda _combo: self._take_template())
        self._list = Gtk.Grid(row_spacing=2, column_spacing=6)
        scrolled = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER, vexpand=True)
        scrolled.set_min_content_height(_HEIGHT)
        scrolled.add(self._list)
        self._add = Gtk.Button.new_with_mnemonic(_("_Add Part"))
        self._add.connect("clicked", lambda _button: self._append(self._next()))
        self._use = Gtk.Button.new_with_mnemonic(_("_Use These Parts"))
        self._use.set_tooltip_text(_("The first part is the background, or what is no other part"))
        self._use.connect("clicked", lambda _button: use())
        buttons = Gtk.Box(spacing=6)
        buttons.pack_start(self._add, False, False, 0)
        buttons.pack_end(self._use, False, False, 0)
        self.widget = Gtk.Grid(row_spacing=6)
        self.widget.attach(row(_("_Begin with"), self._choice), 0, 0, 1, 1)
        self.widget.attach(scrolled, 0, 1, 1, 1)
        self.widget.attach(buttons, 0, 2, 1, 1)

    @property
    def parts(self) -> list[PartToLabel]:
        """Without those whose names are empty."""
        named = ((entry.get_text().strip(), button) for button, entry in self._rows)
        return [PartToLabel(name, _values(button.get_rgba())) for name, button in named if name]

    def offer(self, templates: Sequence[PartTemplate]) -> None:
        self._templates = templates
        self._choice.remove_all()
        for template in templates:
            count = len(template.parts)
            title = TITLES.get(template.title, template.title)
            label = _("{title}, {count} parts").format(title=title, count=count)
            self._choice.append(template.name, label)
        self._choice.append(_OWN, _("Parts of your own"))

    def show(self, parts: Sequence[PartToLabel], domain: str, *, fixed: bool) -> None:
        """A model's parts; where it has none yet, those to begin with in its domain.

        fixed: pictures are painted with them, so that they stay.
        """
        self._fill(parts)
        for widget in (self._choice, self._list, self._add, self._use):
            widget.set_sensitive(not fixed)
        if not parts and self._templates:
            suited = [one for one in self._templates if one.title.casefold() == domain.casefold()]
            self._choice.set_active_id((suited or self._templates)[0].name)
            self._take_template()

    def _take_template(self) -> None:
        chosen = self._choice.get_active_id()
        if chosen == _OWN:
            colors = [_COLORS[row % len(_COLORS)] for row in range(_OWN_ROWS)]
            names = ["background"] + [""] * (_OWN_ROWS - 1)
            self._fill([PartToLabel(*one) for one in zip(names, colors, strict=True)])
        for template in self._templates:
            if template.name == chosen:
                self._fill(template.parts)

    def _fill(self, parts: Sequence[PartToLabel]) -> None:
        for child in self._list.get_children():
            self._list.remove(child)
        self._rows.clear()
        for part in parts:
            self._append(part)

    def _append(self, part: PartToLabel) -> None:
        button = Gtk.ColorButton(rgba=_rgba(part.color))
        entry = Gtk.Entry(text=part.name, hexpand=True, max_length=200)
        number = len(self._rows) + 1
        for widget, tip in (
            (button, _("Colour of part {number}")),
            (entry, _("Name of part {number}; without one it is left out")),
        ):
            widget.set_tooltip_text(tip.format(number=number))
            widget.get_accessible().set_name(tip.format(number=number))
        self._list.attach(button, 0, len(self._rows), 1, 1)
        self._list.attach(entry, 1, len(self._rows), 1, 1)
        self._rows.append((button, entry))
        self._list.show_all()

    def _next(self) -> PartToLabel:
        return PartToLabel("", _COLORS[len(self._rows) % len(_COLORS)])


def _rgba(color: tuple[int, int, int]) -> Gdk.RGBA:
    red, green, blue = (value / 255 for value in color)
    return Gdk.RGBA(red, green, blue, 1.0)


def _values(rgba: Gdk.RGBA) -> tuple[int, int, int]:
    red, green, blue = (round(255 * value) for value in (rgba.red, rgba.green, rgba.blue))
    return red, green, blue
