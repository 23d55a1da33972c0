"""The people of a photo, as their faces: one is worked on, the others are a click away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GdkPixbuf, Gtk, Pango

from link.texts import _
from protocol.messages import Pixels
from windows.picture import pixbuf

FACE = 96  # px, a side
_DIM = 0.45  # opacity
_WITH_FACES = ("faces", "cats", "dogs", "wild animals")  # domains
# a quiet dot: how closely the model represents this face
_QUALITY = {"well": "#5fa55a", "roughly": "#d9a441", "poorly": "#c8553d"}


def row_names(count: int, domain: str) -> list[str]:
    """What the subjects of a photo are called, in a model's domain."""
    one, each = _("This subject"), _("Subject {number}")
    if domain in _WITH_FACES:
        one, each = _("This face"), _("Face {number}")
    return [one] if count == 1 else [each.format(number=n + 1) for n in range(count)]


class Row:
    """One person: face, name, and a dot or a spinner in the corner."""

    def __init__(self, name: str) -> None:
        self._picture = Gtk.Image.new_from_icon_name("avatar-default", Gtk.IconSize.DIALOG)
        self._picture.set_size_request(FACE, FACE)
        self._corner = Gtk.Stack(halign=Gtk.Align.END, valign=Gtk.Align.END, margin=4)
        self._dot = Gtk.Label()
        self._spinner = Gtk.Spinner(halign=Gtk.Align.CENTER, valign=Gtk.Align.CENTER)
        self._spinner.set_size_request(32, 32)
        self._plus = Gtk.Image.new_from_icon_name("list-add", Gtk.IconSize.BUTTON)
        for name_of, widget in (("", Gtk.Label()), ("dot", self._dot)):
            self._corner.add_named(widget, name_of)
        self._corner.add_named(self._plus, "plus")
        face = Gtk.Overlay()
        face.add(self._picture)
        face.add_overlay(self._corner)
        face.add_overlay(self._spinner)
        for over in (self._corner, self._spinner):
            face.set_overlay_pass_through(over, True)
        self._label = Gtk.Label(label=name)
        box = Gtk.Grid(row_spacing=2, margin=4, halign=Gtk.Align.CENTER)
        box.attach(face, 0, 0, 1, 1)
        box.attach(self._label, 0, 1, 1, 1)
        self.widget = Gtk.ListBoxRow()
        self.widget.add(box)
        self.widget.get_accessible().set_name(name)
        self.widget.show_all()

    def show_chosen(self, chosen: bool) -> None:
        """Many themes hardly tell the chosen row from the others."""
        weight = Pango.Weight.BOLD if chosen else Pango.Weight.NORMAL
        bold = Pango.AttrList()
        bold.insert(Pango.attr_weight_new(weight))
        self._label.set_attributes(bold)

    def show_face(self, picture: Pixels, share: float = 1.0) -> None:
        """share: of the picture's side, in its middle, that is shown."""
        self._picture.set_from_pixbuf(_square(pixbuf(picture), share))

    def show_busy(self, busy: bool) -> None:
        self._spinner.set_property("active", busy)
        self._picture.set_opacity(_DIM if busy else 1.0)
        self._corner.set_visible_child_name("")

    def show_quality(self, quality: str, verdict: str) -> None:
        color = _QUALITY.get(quality)
        self._dot.set_markup(f'<span foreground="{color}">●</span>' if color else "")
        self._corner.set_visible_child_name("dot")
        self.widget.set_tooltip_text(verdict or None)

    def show_offer(self, offered: bool) -> None:
        """A small or blurred face: there if it is wanted."""
        self._picture.set_opacity(_DIM if offered else 1.0)
        self._corner.set_visible_child_name("plus" if offered else "")
        tip = _("Small or blurred, so it was left alone. Click to work on it.")
        self.widget.set_tooltip_text(tip if offered else None)


class PeopleColumn:
    """on_choose(place): another person is to be worked on, by place in the list."""

    def __init__(self, on_choose: Callable[[int], None]) -> None:
        self._on_choose = on_choose
        self.rows: list[Row] = []
        self._list = Gtk.ListBox(selection_mode=Gtk.SelectionMode.BROWSE)
        self._list.get_accessible().set_name(_("People in the photo"))
        self._list.connect("row-selected", self._selected)
        self.widget = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, can_focus=False)
        self.widget.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        self.widget.set_size_request(FACE + 28, -1)
        self.widget.add(self._list)

    def fill(self, names: Sequence[str]) -> None:
        for child in self._list.get_children():
            self._list.remove(child)
        self.rows = [Row(name) for name in names]
        for row in self.rows:
            self._list.add(row.widget)

    def choose(self, place: int) -> None:
        self._list.select_row(self.rows[place].widget)

    def grab_focus(self) -> None:
        row = self._list.get_selected_row()
        if row is not None:
            row.grab_focus()

    def _selected(self, _list: Gtk.ListBox, row: Gtk.ListBoxRow | None) -> None:
        if row is not None:
            for one in self.rows:
                one.show_chosen(one.widget == row)
            self._on_choose(row.get_index())


def _square(picture: GdkPixbuf.Pixbuf, share: float = 1.0) -> GdkPixbuf.Pixbuf:
    """The middle of a picture, `share` of its shorter side wide, as FACE pixels on a side."""
    width, height = picture.get_width(), picture.get_height()
    side = max(1, round(share * min(width, height)))
    part = picture.new_subpixbuf((width - side) // 2, (height - side) // 2, side, side)
    return part.scale_simple(FACE, FACE, GdkPixbuf.InterpType.BILINEAR)
