"""The window of Backend Status."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
import status
from dialogs import ROLE, SPACING, hint
from errors import PlugInError
from gi.repository import GimpUi, Gtk
from texts import _
from views import LabelView

from protocol.messages import StatusReport

RESTART, STOP = 1, 2


def run(report: StatusReport) -> None:
    """Show the backend's state until the window is closed; its buttons restart or stop it."""
    GimpUi.init(ROLE)
    window = StatusWindow()
    window.fill(report)
    window.run()


class StatusWindow:
    def __init__(self) -> None:
        self._dialog = GimpUi.Dialog(title=_("EditGAN Backend"), role="editgan-status")
        self._restart = self._dialog.add_button(_("_Restart"), RESTART)
        self._stop = self._dialog.add_button(_("_Stop Backend"), STOP)
        close = self._dialog.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
        close.set_margin_end(SPACING)
        for button in (self._restart, self._stop, close):
            button.set_margin_bottom(SPACING)
        self._dialog.set_default_response(Gtk.ResponseType.CLOSE)
        self._box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=SPACING)
        self._box.set_border_width(SPACING)
        self._grid = Gtk.Grid(column_spacing=SPACING, row_spacing=6)
        self._news = hint("")
        self._box.pack_start(self._grid, True, True, 0)
        self._box.pack_start(self._news, False, False, 0)
        self._dialog.get_content_area().add(self._box)

    def run(self) -> None:
        GimpUi.window_set_transient(self._dialog)
        self._dialog.show_all()
        while (response := self._dialog.run()) in (RESTART, STOP):
            self._act(response)
        self._dialog.destroy()

    def fill(self, report: StatusReport | None) -> None:
        """Show a report; None: no backend runs."""
        for child in self._grid.get_children():
            self._grid.remove(child)
        for number, (name, value) in enumerate(rows(report)):
            label = Gtk.Label(label=name, xalign=1.0, yalign=0.0)
            label.get_style_context().add_class("dim-label")
            text = Gtk.Label(
                label=value, xalign=0.0, wrap=True, selectable=True, max_width_chars=56
            )
            self._grid.attach(label, 0, number, 1, 1)
            self._grid.attach(text, 1, number, 1, 1)
        self._stop.set_sensitive(report is not None)
        self._grid.show_all()

    def _act(self, response: int) -> None:
        view = LabelView(self._news.set_text)
        for button in (self._restart, self._stop):
            button.set_sensitive(False)
        try:
            status.stop(view)
            self.fill(status.fetch(view) if response == RESTART else None)
            self._news.set_text("")
        except PlugInError as error:
            self._news.set_text(str(error))
            self._stop.set_sensitive(True)
        self._restart.set_sensitive(True)


def rows(report: StatusReport | None) -> list[tuple[str, str]]:
    """What the window says, line by line."""
    if report is None:
        return [(_("State"), _("Stopped. It starts again with the next command."))]
    busy = _("working: {job}").format(job=report.running) if report.running else _("ready")
    found = [
        (_("State"), busy + (_(", {n} waiting").format(n=report.queued) if report.queued else "")),
        (_("Version"), report.version),
        (_("Device"), report.device),
        (_("Memory"), _("{mb:.0f} MB").format(mb=report.memory_mb)),
        (_("Running for"), duration(report.uptime_s)),
        (_("Open photos"), str(report.photos)),
        (_("Log"), report.log),
    ]
    return found + [(_("Model"), model(bundle)) for bundle in report.bundles]


def model(bundle: dict[str, Any]) -> str:
    """A bundle in a few lines: name, resolution, parts, licence."""
    lines = [str(bundle.get("name", "?"))]
    if resolution := bundle.get("resolution"):
        lines[0] += _(", {side} by {side} pixels").format(side=resolution)
    parts = bundle.get("parts")
    if isinstance(parts, list):
        names = [str(p.get("name", p)) if isinstance(p, dict) else str(p) for p in parts]
        lines.append(_("Parts: {parts}").format(parts=", ".join(names)))
    if licence := bundle.get("license"):
        lines.append(_("Licence: {licence}").format(licence=licence))
    return "\n".join(lines)


def duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("{n} s").format(n=int(seconds))
    if minutes < 60:
        return _("{n} min").format(n=minutes)
    return _("{h} h {m} min").format(h=minutes // 60, m=minutes % 60)
