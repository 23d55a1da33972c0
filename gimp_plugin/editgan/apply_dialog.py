"""The dialog of Apply Edit: the library's edits with their pictures, strength, refinement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
import dialogs
import picture_file
from gi.repository import Gimp, GLib, Gtk
from texts import _

from protocol.messages import EditInfo

THUMBNAIL = 72  # px
REFINEMENTS = ((0, _("None (fastest)")), (10, _("Some")), (30, _("Thorough")))


def run(config: Gimp.ProcedureConfig, edits: Sequence[EditInfo], licence: str) -> None:
    """Ask for edit, scale and refine. Raises CommandCancelled."""
    dialog = dialogs.new(config, _("Apply Edit"), _("_Apply"))
    chooser = _Chooser(config, edits)
    dialogs.add(dialog, chooser.widget, expand=True)
    scale = dialog.get_scale_entry("scale", 1.0)
    scale.set_tooltip_text(_("1: as it was learnt. 0: nothing. Negative: the opposite."))
    dialog.fill(["scale"])
    dialogs.add(dialog, chooser.range)
    dialogs.add(dialog, _refinement(config, scale))
    if licence:
        dialogs.add(dialog, dialogs.hint(_("Model licence: {licence}").format(licence=licence)))
    chooser.start()
    try:
        dialogs.ask(dialog)
    finally:
        chooser.stop()


def _refinement(config: Gimp.ProcedureConfig, scale: Gtk.Widget) -> Gtk.Widget:
    combo = Gtk.ComboBoxText(hexpand=True)
    for steps, text in REFINEMENTS:
        combo.append(str(steps), text)
    if not combo.set_active_id(str(config.get_property("refine"))):
        combo.set_active(0)
        config.set_property("refine", 0)
    combo.connect("changed", lambda c: config.set_property("refine", int(c.get_active_id())))
    return dialogs.row(_("Re_finement"), combo, beside=scale)


class _Chooser:
    """The list. Thumbnails come one by one after the dialog is shown: WebP takes GIMP a moment."""

    def __init__(self, config: Gimp.ProcedureConfig, edits: Sequence[EditInfo]) -> None:
        self._config = config
        self._edits = edits
        self._source = 0
        self.range = dialogs.hint("")
        self._pictures: list[tuple[Gtk.Image, bytes]] = []
        self._list = Gtk.ListBox(selection_mode=Gtk.SelectionMode.BROWSE)
        for edit in edits:
            self._list.add(self._row(edit))
        self.widget = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, margin_bottom=6)
        self.widget.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        self.widget.set_size_request(440, 300)
        self.widget.add(self._list)
        names = [edit.name for edit in edits]
        chosen = config.get_property("edit")
        known = chosen in names
        self._list.connect("row-selected", self._selected)
        row = self._list.get_row_at_index(names.index(chosen) if known else 0)
        self._keep_scale = known  # a dialog opened again shows what was used last
        self._list.select_row(row)
        self._keep_scale = False

    def start(self) -> None:
        pictures = iter(self._pictures)
        self._source = GLib.idle_add(self._show_next, pictures)

    def stop(self) -> None:
        if self._source:
            GLib.source_remove(self._source)
            self._source = 0

    def _row(self, edit: EditInfo) -> Gtk.ListBoxRow:
        box = Gtk.Box(spacing=dialogs.SPACING, border_width=6)
        for picture in (edit.before, edit.after):
            image = Gtk.Image.new_from_icon_name("image-x-generic", Gtk.IconSize.DIALOG)
            image.set_size_request(THUMBNAIL, THUMBNAIL)
            box.pack_start(image, False, False, 0)
            if picture:
                self._pictures.append((image, picture))
        # not a vertical box: GIMP's themes give that a background of its own
        texts = Gtk.Grid(row_spacing=3, valign=Gtk.Align.CENTER)
        title = Gtk.Label(xalign=0.0)
        title.set_markup(f"<b>{GLib.markup_escape_text(edit.title or edit.name)}</b>")
        source = _("preset") if edit.source == "preset" else _("yours")
        small = Gtk.Label(label=f"{', '.join(edit.parts)} · {source}", xalign=0.0, wrap=True)
        small.get_style_context().add_class("dim-label")
        texts.attach(title, 0, 0, 1, 1)
        if edit.description:
            line = Gtk.Label(label=edit.description, xalign=0.0, wrap=True, max_width_chars=36)
            texts.attach(line, 0, 1, 1, 1)
        texts.attach(small, 0, 2, 1, 1)
        box.pack_start(texts, True, True, 0)
        row = Gtk.ListBoxRow()
        row.get_style_context().add_class("view")  # selected as in GIMP's own lists
        row.add(box)
        return row

    def _selected(self, _list: Gtk.ListBox, row: Gtk.ListBoxRow | None) -> None:
        if row is None:
            return
        edit = self._edits[row.get_index()]
        self._config.set_property("edit", edit.name)
        if not self._keep_scale:
            self._config.set_property("scale", min(max(edit.default, -3.0), 3.0))
        text = _("Looks natural between {low:.1f} and {high:.1f}.")
        self.range.set_text(text.format(low=edit.low, high=edit.high))

    def _show_next(self, pictures: Iterator[tuple[Gtk.Image, bytes]]) -> bool:
        for image, data in pictures:
            if picture := picture_file.read(data, THUMBNAIL):
                image.set_from_pixbuf(picture)
            return GLib.SOURCE_CONTINUE
        self._source = 0
        return GLib.SOURCE_REMOVE
