"""What the window of Backend Status and Settings shows of a running backend: three pages."""

from __future__ import annotations

from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gio, GLib, Gtk

from link.backend_texts import backend_job
from link.part_names import part_name
from link.status import BackendOverview
from link.texts import _
from protocol.messages import BundleInfo
from windows import picture_file
from windows.dialogs import SPACING

PICTURE = 176  # px


class StatusPage:
    """BackendOverview, device, memory and the like, line by line."""

    def __init__(self) -> None:
        self.widget = Gtk.Grid(column_spacing=SPACING, row_spacing=6, border_width=SPACING)

    def show(self, state: BackendOverview | None, where: str, *, busy: bool) -> None:
        """where: which backend is meant. state None: it does not run, or (busy) was just asked."""
        for child in self.widget.get_children():
            self.widget.remove(child)
        for number, (name, value) in enumerate(rows(state, where, busy=busy)):
            label = Gtk.Label(label=name, xalign=1.0, yalign=0.0)
            label.get_style_context().add_class("dim-label")
            text = Gtk.Label(
                label=value, xalign=0.0, wrap=True, selectable=True, max_width_chars=60
            )
            self.widget.attach(label, 0, number, 1, 1)
            self.widget.attach(text, 1, number, 1, 1)
        self.widget.show_all()


def rows(state: BackendOverview | None, where: str, *, busy: bool) -> list[tuple[str, str]]:
    """The lines of the status page."""
    if state is None:
        said = _("connecting") if busy else _("not running")
        return [(_("Where"), where), (_("State"), said)]
    report = state.report
    version = [(_("Version"), report.version)] if report.version != "unknown" else []
    job = backend_job(report.running or "")
    doing = _("working: {job}").format(job=job) if job else _("ready")
    return [
        (_("Where"), where),
        (
            _("State"),
            doing + (_(", {n} waiting").format(n=report.queued) if report.queued else ""),
        ),
        *version,
        (_("Device"), _("not chosen yet") if report.device == "auto" else report.device),
        (_("Memory"), _("{mb:.0f} MB").format(mb=report.memory_mb)),
        (_("Running for"), duration(report.uptime_s)),
        (_("Open photos"), str(report.photos)),
    ]


def duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("{n} s").format(n=int(seconds))
    if minutes < 60:
        return _("{n} min").format(n=minutes)
    return _("{h} h {m} min").format(h=minutes // 60, m=minutes % 60)


class ModelsPage:
    """The installed models: what each draws, knows and may be used for."""

    def __init__(self) -> None:
        self._list = Gtk.ListBox(selection_mode=Gtk.SelectionMode.NONE)
        self.widget = Gtk.ScrolledWindow(border_width=SPACING, shadow_type=Gtk.ShadowType.IN)
        self.widget.add(self._list)

    def show(self, state: BackendOverview | None) -> None:
        for child in self._list.get_children():
            self._list.remove(child)
        for bundle in state.bundles if state else ():
            row = Gtk.ListBoxRow(activatable=False, selectable=False)
            row.get_style_context().add_class("view")
            row.add(_model(bundle))
            self._list.add(row)
        self._list.show_all()


def _model(bundle: BundleInfo) -> Gtk.Widget:
    box = Gtk.Box(spacing=SPACING, border_width=SPACING)
    image = Gtk.Image.new_from_icon_name("image-x-generic", Gtk.IconSize.DIALOG)
    image.set_size_request(PICTURE, PICTURE // 2)
    image.set_valign(Gtk.Align.START)
    if bundle.picture and (picture := picture_file.read(bundle.picture, PICTURE)):
        image.set_from_pixbuf(picture)
    box.pack_start(image, False, False, 0)
    texts = Gtk.Grid(row_spacing=3)  # not a vertical box: GIMP's themes colour that
    for number, (text, style) in enumerate(model_lines(bundle)):
        label = Gtk.Label(xalign=0.0, wrap=True, max_width_chars=48)
        escaped = GLib.markup_escape_text(text)
        label.set_markup(f"<b>{escaped}</b>" if style == "title" else escaped)
        if style == "small":
            label.get_style_context().add_class("dim-label")
        texts.attach(label, 0, number, 1, 1)
    box.pack_start(texts, True, True, 0)
    return box


def model_lines(bundle: BundleInfo) -> list[tuple[str, str]]:
    """A model in a few lines, each with its style: "title", "plain" or "small"."""
    if bundle.problem:
        return [(bundle.name, "title"), (bundle.problem, "plain")]
    size = _("{side} by {side} pixels").format(side=bundle.resolution)
    lines = [(f"{bundle.title or bundle.name} ({bundle.name}), {size}", "title")]
    if "segmentation" in bundle.missing:
        lines.append((_("No parts yet: it cannot open photos."), "plain"))
    elif bundle.missing:
        lines.append((_("No encoder yet: it cannot open photos."), "plain"))
    if bundle.parts:
        parts = _("Parts: {parts}").format(parts=", ".join(map(part_name, bundle.parts)))
        lines.append((parts, "plain"))
    lines.append((_("Licence: {licence}").format(licence=bundle.license), "small"))
    return [*lines, (bundle.source, "small")] if bundle.source else lines


class LogPage:
    """The end of the backend's log, and its file."""

    def __init__(self) -> None:
        self._text = Gtk.TextView(editable=False, monospace=True, cursor_visible=False)
        self._text.set_left_margin(6)
        self._text.set_right_margin(6)
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, expand=True)
        scrolled.add(self._text)
        self._path = Gtk.Label(xalign=0.0, selectable=True, wrap=True, hexpand=True)
        self._open = Gtk.Button.new_with_mnemonic(_("_Open"))
        self._open.set_tooltip_text(_("Open the whole log in another program"))
        self._open.connect("clicked", self._open_file)
        self.widget = Gtk.Grid(row_spacing=6, column_spacing=SPACING, border_width=SPACING)
        self.widget.attach(scrolled, 0, 0, 2, 1)
        self.widget.attach(self._path, 0, 1, 1, 1)
        self.widget.attach(self._open, 1, 1, 1, 1)

    def show(self, state: BackendOverview | None) -> None:
        buffer = self._text.get_buffer()
        buffer.set_text(state.log if state else "")
        self._path.set_text(state.report.log if state else "")
        here = state is not None and not state.is_remote and Path(state.report.log).is_file()
        self._open.set_sensitive(here)
        newest = buffer.get_iter_at_line(buffer.get_line_count() - 1)
        GLib.idle_add(self._scroll_to, buffer.create_mark(None, newest, True))

    def _scroll_to(self, mark: Gtk.TextMark) -> bool:
        """Once the text has its size."""
        self._text.scroll_to_mark(mark, 0.0, False, 0.0, 0.0)
        return GLib.SOURCE_REMOVE

    def _open_file(self, _button: Gtk.Button) -> None:
        path = self._path.get_text()
        try:
            Gio.AppInfo.launch_default_for_uri(Path(path).as_uri(), None)
        except GLib.Error:
            self._path.set_text(_("No program here opens it: {path}").format(path=path))
