"""A small window for long jobs: live preview, progress bar, Keep What There Is, Cancel."""

from __future__ import annotations

from collections.abc import Callable

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, Gtk

from link.texts import _
from protocol.messages import Preview
from windows.dialogs import SPACING, button
from windows.faces_seen import beside_faces
from windows.picture import Picture


class ProgressWindow:
    """Not modal: GIMP stays usable. `on_stop` is called on the main thread.

    on_stop(True): keep what there is; on_stop(False): cancel.
    """

    def __init__(self, title: str, image: Gimp.Image, on_stop: Callable[[bool], None]) -> None:
        """image: that the jobs are about; the window does not cover its faces."""
        GimpUi.init("editgan")
        self._on_stop = on_stop
        self._dialog = GimpUi.Dialog(title=title, role="editgan-progress")
        self._keep = button(self._dialog, _("Stop and _Keep"), Gtk.ResponseType.OK)
        self._keep.set_tooltip_text(_("Stop now and keep the best result so far"))
        self._cancel = button(self._dialog, _("_Cancel"), Gtk.ResponseType.CANCEL)
        self._cancel.set_tooltip_text(_("Stop now; the image stays as it was"))
        self.begin()
        self._dialog.connect("response", self._answered)
        # closing the window cancels; it goes away when the job has ended
        self._dialog.connect("delete-event", lambda *_event: True)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=SPACING, border_width=SPACING)
        self._picture = Picture()
        self._bar = Gtk.ProgressBar()
        self._text = Gtk.Label(xalign=0.0, width_chars=40, wrap=True)
        for widget in (self._picture.widget, self._bar, self._text):
            box.pack_start(widget, False, False, 0)
        self._dialog.get_content_area().add(box)
        self._place = beside_faces(self._dialog, "window-progress", image)
        GimpUi.window_set_transient(self._dialog)
        self._dialog.show_all()

    def begin(self) -> None:
        """A job begins, perhaps the second one of a command: it can be ended as the first."""
        self._keep.set_sensitive(False)  # until there is something to see
        self._cancel.set_sensitive(True)

    def say(self, text: str, fraction: float | None = None) -> None:
        self._text.set_text(text)
        if fraction is not None:
            self._bar.set_fraction(min(max(fraction, 0.0), 1.0))

    def show(self, preview: Preview) -> None:
        self._picture.show(preview)
        self._keep.set_sensitive(self._cancel.get_sensitive())

    def close(self) -> None:
        self._place.close()
        self._dialog.destroy()

    def _answered(self, _dialog: Gtk.Dialog, response: int) -> None:
        keep = response == Gtk.ResponseType.OK
        self._keep.set_sensitive(False)
        self._cancel.set_sensitive(False)
        self._text.set_text(_("Finishing with the best result so far") if keep else _("Cancelling"))
        self._on_stop(keep)
