"""The library's edits as pictures of this photo: searched, filtered, chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, GLib, Gtk, Pango

from link.part_names import part_name
from link.texts import _
from protocol.messages import EditInfo, EditThumbnail
from windows.picture import pixbuf

PICTURE = 112  # px, a side
_ALL = ""  # id of the filter that lets every part through
# Return too: GTK would pass it on to the dialog's default button at times
_ADD_KEYS = (Gdk.KEY_plus, Gdk.KEY_KP_Add, Gdk.KEY_equal, Gdk.KEY_Return, Gdk.KEY_KP_Enter)


class EditTile:
    """One edit: its picture, its title, a star if it is a favourite."""

    def __init__(self, edit: EditInfo) -> None:
        self.edit = edit
        self.usable = True
        self._picture = Gtk.Image.new_from_icon_name("image-loading", Gtk.IconSize.DIALOG)
        self._picture.set_size_request(PICTURE, PICTURE)
        star = Gtk.Label(halign=Gtk.Align.END, valign=Gtk.Align.START, margin=3)
        star.set_markup(
            '<span foreground="#ffd24a" size="large">★</span>' if edit.favourite else ""
        )
        picture = Gtk.Overlay()
        picture.add(self._picture)
        picture.add_overlay(star)
        title = Gtk.Label(label=edit.title or edit.name, max_width_chars=14)
        title.set_ellipsize(Pango.EllipsizeMode.END)
        # not a vertical box: GIMP's themes give that a background of its own
        grid = Gtk.Grid(row_spacing=3, margin=4, halign=Gtk.Align.CENTER)
        grid.attach(picture, 0, 0, 1, 1)
        grid.attach(title, 0, 1, 1, 1)
        self.widget = Gtk.FlowBoxChild()
        self.widget.get_style_context().add_class("view")  # selected as in GIMP's own lists
        self.widget.add(grid)
        self.widget.set_tooltip_text(about(edit))

    def show(self, look: EditThumbnail) -> None:
        """Its look on this photo, or why there is none."""
        if look.pixels is not None:
            self._picture.set_from_pixbuf(pixbuf(look.pixels))
            return
        self.usable = False
        self._picture.set_from_icon_name("dialog-warning", Gtk.IconSize.DIALOG)
        self.widget.set_tooltip_text(look.problem)
        self.widget.get_child().set_sensitive(False)

    def matches(self, words: Sequence[str], part: str, only_favourites: bool) -> bool:
        fits = part in (_ALL, *self.edit.parts) and (self.edit.favourite or not only_favourites)
        return fits and matches(self.edit, words)


def matches(edit: EditInfo, words: Sequence[str]) -> bool:
    """Whether title, description or parts have all the words, which are in lower case."""
    parts = (*edit.parts, *map(part_name, edit.parts))
    text = " ".join((edit.name, edit.title, edit.description, *parts)).casefold()
    return all(word in text for word in words)


def rank(edit: EditInfo, words: Sequence[str]) -> int:
    """The order of hits: 0 for the title that was searched for, more the less it is like that."""
    if not words:
        return 0
    wanted, title = " ".join(words), (edit.title or edit.name).casefold()
    if wanted == title:
        return 0
    if title.startswith(wanted):
        return 1
    return 2 if wanted in title else 3


def about(edit: EditInfo) -> str:
    """What a tooltip says of an edit."""
    source = _("a preset") if edit.source == "preset" else _("your own")
    lines = [
        edit.description,
        _("Changes: {parts}").format(parts=", ".join(map(part_name, edit.parts))),
        _("Looks natural from {low:.1f} to {high:.1f}; {source}").format(
            low=edit.low, high=edit.high, source=source
        ),
    ]
    return "\n".join(filter(None, lines))


class EditGrid:
    """on_add(edit): the user wants it in the stack. on_select(edit or None): another is chosen."""

    def __init__(
        self,
        on_add: Callable[[EditInfo], None],
        on_select: Callable[[EditInfo | None], None],
    ) -> None:
        self._on_add, self._on_select = on_add, on_select
        self._tiles: list[EditTile] = []
        self.search = Gtk.SearchEntry(placeholder_text=_("Search"), hexpand=True)
        self.search.set_tooltip_text(_("Search titles, descriptions and parts (Ctrl+F)"))
        self._part = Gtk.ComboBoxText(tooltip_text=_("Only edits that change this part"))
        self._favourites = Gtk.CheckButton.new_with_mnemonic(_("★ onl_y"))
        self._favourites.set_tooltip_text(_("Only favourites"))
        self._flow = Gtk.FlowBox(
            selection_mode=Gtk.SelectionMode.BROWSE,
            activate_on_single_click=False,
            min_children_per_line=4,
            max_children_per_line=5,
            valign=Gtk.Align.START,
            homogeneous=True,
        )
        self._flow.set_filter_func(self._shown)
        self._flow.set_sort_func(self._order)
        self._connect()
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, vexpand=True, hexpand=True)
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        scrolled.set_size_request(540, 320)
        scrolled.add(self._flow)
        scrolled.get_child().get_style_context().add_class("view")
        self.widget = Gtk.Grid(row_spacing=6, column_spacing=6)
        for place, filtering in enumerate((self.search, self._part, self._favourites)):
            self.widget.attach(filtering, place, 0, 1, 1)
        self.widget.attach(scrolled, 0, 1, 3, 1)

    @property
    def selected(self) -> EditInfo | None:
        tile = self._chosen()
        return tile.edit if tile else None

    def fill(self, edits: Sequence[EditInfo], select: str = "") -> None:
        """Show these edits, favourites first; their pictures come with `show`.

        select: the one to select, even if it had been filtered out.
        """
        for child in self._flow.get_children():
            self._flow.remove(child)
        self._tiles = [EditTile(e) for e in sorted(edits, key=lambda e: not e.favourite)]
        for tile in self._tiles:
            self._flow.add(tile.widget)
        self._fill_parts(sorted({part for edit in edits for part in edit.parts}))
        self._flow.show_all()
        chosen = next((t for t in self._tiles if t.edit.name == select), None)
        if chosen and not self._shown(chosen.widget):
            self.search.set_text("")
            self._part.set_active_id(_ALL)
            self._favourites.set_active(False)
        if chosen:
            self._flow.select_child(chosen.widget)
        self._filtered()

    def show(self, name: str, look: EditThumbnail) -> None:
        for tile in self._tiles:
            if tile.edit.name == name:
                tile.show(look)

    def focus_filters(self) -> None:
        """Give the keyboard to the last of them."""
        self._favourites.grab_focus()

    def has_focus(self) -> bool:
        """Whether the keyboard is on one of the pictures."""
        focus = self._flow.get_toplevel().get_focus()
        return focus is not None and focus.is_ancestor(self._flow)

    def add_selected(self) -> None:
        tile = self._chosen()
        if tile and tile.usable:
            self._on_add(tile.edit)

    def _connect(self) -> None:
        self.search.connect("search-changed", lambda _entry: self._filtered())
        self.search.connect("activate", lambda _entry: self._first_found())
        self._part.connect("changed", lambda _combo: self._filtered())
        self._favourites.connect("toggled", lambda _button: self._filtered())
        self._flow.connect("child-activated", lambda *_which: self.add_selected())
        self._flow.connect("selected-children-changed", lambda _flow: self._selected())
        self._flow.connect("key-press-event", self._key)

    def _fill_parts(self, parts: Sequence[str]) -> None:
        before = self._part.get_active_id()
        self._part.remove_all()
        self._part.append(_ALL, _("All parts"))
        for part in parts:
            self._part.append(part, part_name(part))
        if not (before and self._part.set_active_id(before)):
            self._part.set_active(0)

    @property
    def _words(self) -> list[str]:
        return self.search.get_text().casefold().split()

    def _order(self, one: Gtk.FlowBoxChild, other: Gtk.FlowBoxChild) -> int:
        """The closest hits first, else as they were filled in."""
        ranks = {tile.widget: place for place, tile in enumerate(self._ranked())}
        first, second = (ranks.get(child, len(ranks)) for child in (one, other))
        return (first > second) - (first < second)

    def _ranked(self) -> list[EditTile]:
        return sorted(self._tiles, key=lambda tile: rank(tile.edit, self._words))

    def _shown(self, child: Gtk.FlowBoxChild) -> bool:
        tile = self._tile_of(child)
        words = self._words
        part = self._part.get_active_id() or _ALL
        return tile is not None and tile.matches(words, part, self._favourites.get_active())

    def _filtered(self) -> None:
        """What is selected must be seen: else the first that is found."""
        self._flow.invalidate_sort()
        self._flow.invalidate_filter()
        if self._chosen() is None and (found := self._found()):
            self._flow.select_child(found.widget)
        self._selected()

    def _found(self) -> EditTile | None:
        return next((tile for tile in self._ranked() if self._shown(tile.widget)), None)

    def _first_found(self) -> None:
        """Return in the search box goes to the first edit that was found."""
        self._flow.invalidate_filter()  # typed faster than the entry told
        if found := self._found():
            self._flow.select_child(found.widget)
            found.widget.grab_focus()

    def _key(self, _flow: Gtk.FlowBox, event: Gdk.EventKey) -> bool:
        if event.keyval in _ADD_KEYS:
            self.add_selected()
            return Gdk.EVENT_STOP
        return Gdk.EVENT_PROPAGATE

    def _selected(self) -> None:
        GLib.idle_add(lambda: self._on_select(self.selected) and False)

    def _chosen(self) -> EditTile | None:
        """The selected edit, if it is shown."""
        tiles = [self._tile_of(child) for child in self._flow.get_selected_children()]
        return next((tile for tile in tiles if tile and self._shown(tile.widget)), None)

    def _tile_of(self, child: Gtk.FlowBoxChild) -> EditTile | None:
        return next((tile for tile in self._tiles if tile.widget == child), None)
