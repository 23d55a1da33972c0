"""The library's edits on this face, each with its slider directly under its picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gtk, Pango

from image.stacks import decimal
from link.texts import _
from protocol.messages import EditInfo, EditThumbnail
from windows.edit_grid import about, matches, rank
from windows.picture import pixbuf

PICTURE = 92  # px, a side
_STEP = 0.05


class PresetTile:
    """One edit. on_scale(edit, scale): its slider was moved."""

    def __init__(self, edit: EditInfo, on_scale: Callable[[EditInfo, float], None]) -> None:
        self.edit = edit
        self._on_scale = on_scale
        self._told = False  # the stack says where the slider stands
        self._picture = Gtk.Image.new_from_icon_name("image-loading", Gtk.IconSize.DIALOG)
        self._picture.set_size_request(PICTURE, PICTURE)
        self._values = Gtk.Adjustment(
            value=0.0,
            lower=min(edit.low, 0.0),
            upper=max(edit.high, 0.0),
            step_increment=_STEP,
            page_increment=0.25,
        )
        self._values.connect("value-changed", lambda _values: self._moved())
        self.slider = slider(self._values, edit.title or edit.name)
        self._title = Gtk.Label(label=edit.title or edit.name, xalign=0.0, hexpand=True)
        self._title.set_attributes(small())  # "Gehobene Brauen" fits
        self._title.set_ellipsize(Pango.EllipsizeMode.END)
        self._title.set_max_width_chars(13)
        self._number = Gtk.Label(no_show_all=True, halign=Gtk.Align.END, valign=Gtk.Align.END)
        self._number.get_style_context().add_class("osd")
        self.widget = Gtk.FlowBoxChild(can_focus=False)
        self.widget.add(self._grid())
        self.widget.set_tooltip_text(about(edit))

    def _grid(self) -> Gtk.Widget:
        star = Gtk.Label(halign=Gtk.Align.END, valign=Gtk.Align.START, margin=3)
        mark = '<span foreground="#ffd24a" size="large">★</span>'
        star.set_markup(mark if self.edit.favourite else "")
        picture = Gtk.Overlay()
        picture.add(self._picture)
        picture.add_overlay(star)
        picture.add_overlay(self._number)
        pressed = Gtk.EventBox(halign=Gtk.Align.CENTER)
        pressed.add(picture)
        pressed.connect("button-release-event", lambda *_event: self.toggle())
        grid = Gtk.Grid(margin=3)
        grid.attach(pressed, 0, 0, 1, 1)
        grid.attach(self.slider, 0, 1, 1, 1)
        grid.attach(self._title, 0, 2, 1, 1)
        return grid

    def toggle(self) -> None:
        """A click on the picture: the edit as it was learnt, or nothing of it."""
        if self.slider.get_sensitive():
            self._values.set_value(0.0 if self._values.get_value() else self.edit.default)

    def show_look(self, look: EditThumbnail) -> None:
        if look.pixels is not None:
            self._picture.set_from_pixbuf(pixbuf(look.pixels))
            return
        self._picture.set_from_icon_name("dialog-warning", Gtk.IconSize.DIALOG)
        self.slider.set_sensitive(False)
        self.widget.set_tooltip_text(look.problem)

    def show_scale(self, scale: float) -> None:
        self._told = True
        self._values.set_lower(min(self._values.get_lower(), scale))
        self._values.set_upper(max(self._values.get_upper(), scale))
        self._values.set_value(scale)
        self._told = False
        self._show_number()

    def _moved(self) -> None:
        self._show_number()
        if not self._told:
            self._on_scale(self.edit, round(self._values.get_value(), 2))

    def _show_number(self) -> None:
        value = round(self._values.get_value(), 2)
        self._number.set_text(decimal(value) if value else "")
        self._number.set_visible(bool(value))


class PresetGrid:
    """on_scale(edit, scale): the slider of an edit was moved."""

    def __init__(self, on_scale: Callable[[EditInfo, float], None]) -> None:
        self._on_scale = on_scale
        self._tiles: dict[str, PresetTile] = {}
        self.search = Gtk.SearchEntry(placeholder_text=_("Search"), hexpand=True)
        self.search.set_tooltip_text(_("Search titles, descriptions and parts (Ctrl+F)"))
        self._flow = Gtk.FlowBox(
            selection_mode=Gtk.SelectionMode.NONE,
            min_children_per_line=3,
            max_children_per_line=6,
            valign=Gtk.Align.START,
            homogeneous=True,
            can_focus=False,
        )
        self._flow.set_filter_func(self._shown)
        self._flow.set_sort_func(self._order)
        self.search.connect("search-changed", lambda _entry: self._searched())
        self.search.connect("activate", lambda _entry: self._first_found())
        self.widget = Gtk.ScrolledWindow(
            shadow_type=Gtk.ShadowType.IN, vexpand=True, hexpand=True, can_focus=False
        )
        self.widget.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        self.widget.set_size_request(-1, 180)
        self.widget.add(self._flow)
        self._flow.set_focus_vadjustment(self.widget.get_vadjustment())

    def fill(self, edits: Sequence[EditInfo]) -> list[EditInfo]:
        """Favourites first, then the user's own, then the presets; returns them in that order."""
        for child in self._flow.get_children():
            self._flow.remove(child)
        ranked = sorted(edits, key=lambda edit: (not edit.favourite, edit.source == "preset"))
        self._tiles = {edit.name: PresetTile(edit, self._on_scale) for edit in ranked}
        for tile in self._tiles.values():
            self._flow.add(tile.widget)
        self._flow.show_all()
        return ranked

    def show_look(self, name: str, look: EditThumbnail) -> None:
        if name in self._tiles:
            self._tiles[name].show_look(look)

    def show_scales(self, scales: dict[str, float]) -> None:
        """Where the sliders stand: at 0 where an edit is not on the stack."""
        for name, tile in self._tiles.items():
            tile.show_scale(scales.get(name, 0.0))

    @property
    def _words(self) -> list[str]:
        return self.search.get_text().casefold().split()

    def _searched(self) -> None:
        self._flow.invalidate_sort()
        self._flow.invalidate_filter()

    def _shown(self, child: Gtk.FlowBoxChild) -> bool:
        found = (tile for tile in self._tiles.values() if tile.widget == child)
        return any(matches(tile.edit, self._words) for tile in found)

    def _order(self, one: Gtk.FlowBoxChild, other: Gtk.FlowBoxChild) -> int:
        """The closest hits first, else as they were filled in."""
        ranks = {tile.widget: place for place, tile in enumerate(self._ranked())}
        first, second = (ranks.get(child, len(ranks)) for child in (one, other))
        return (first > second) - (first < second)

    def _ranked(self) -> list[PresetTile]:
        return sorted(self._tiles.values(), key=lambda tile: rank(tile.edit, self._words))

    def _first_found(self) -> None:
        """Return in the search box goes to the slider of the first edit that was found."""
        self._searched()  # typed faster than the entry told
        found = (tile for tile in self._ranked() if self._shown(tile.widget))
        if tile := next(found, None):
            tile.slider.grab_focus()


def small() -> Pango.AttrList:
    found = Pango.AttrList()
    found.insert(Pango.attr_scale_new(0.85))
    return found


def slider(values: Gtk.Adjustment, title: str) -> Gtk.Scale:
    """A horizontal slider. The wheel scrolls the list that it is in."""
    made = Gtk.Scale(adjustment=values, draw_value=False, hexpand=True)
    made.set_has_origin(False)  # 0 is within, not at the left end
    made.set_tooltip_text(_("Strength: 1 = as learned, 0 = off, negative = the opposite"))
    made.get_accessible().set_name(title)
    made.connect("scroll-event", _leave_to_the_list)
    made.connect("key-press-event", _zero)
    return made


def _leave_to_the_list(scale: Gtk.Scale, _event: Gdk.EventScroll) -> bool:
    scale.stop_emission_by_name("scroll-event")
    return Gdk.EVENT_PROPAGATE


def _zero(scale: Gtk.Scale, event: Gdk.EventKey) -> bool:
    """Delete takes the edit away."""
    if event.keyval not in (Gdk.KEY_Delete, Gdk.KEY_KP_Delete):
        return Gdk.EVENT_PROPAGATE
    scale.set_value(0.0)
    return Gdk.EVENT_STOP
