"""A small window for long jobs: live preview, progress bar, Cancel."""

from __future__ import annotations

from collections.abc import Callable

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GdkPixbuf, GimpUi, GLib, Gtk
from texts import _

from protocol.messages import Pixels

SIDE = 256  # px of the preview
SPACING = 12


class ProgressWindow:
    """Not modal: GIMP stays usable. `on_cancel` is called on the main thread."""

    def __init__(self, title: str, on_cancel: Callable[[], None]) -> None:
        GimpUi.init("editgan")
        self._on_cancel = on_cancel
        self._dialog = GimpUi.Dialog(title=title, role="editgan-progress")
        self._cancel = self._dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        self._cancel.set_margin_end(SPACING)
        self._cancel.set_margin_bottom(SPACING)
        self._dialog.connect("response", self._cancelled)
        # closing the window cancels; it goes away when the job has ended
        self._dialog.connect("delete-event", lambda *_event: True)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=SPACING, border_width=SPACING)
        self._picture = Gtk.Image()
        self._picture.set_size_request(SIDE, SIDE)
        self._bar = Gtk.ProgressBar()
        self._text = Gtk.Label(xalign=0.0, width_chars=40, wrap=True)
        for widget in (self._picture, self._bar, self._text):
            box.pack_start(widget, False, False, 0)
        self._dialog.get_content_area().add(box)
        GimpUi.window_set_transient(self._dialog)
        self._dialog.show_all()

    def say(self, text: str, fraction: float | None = None) -> None:
        self._text.set_text(text)
        if fraction is not None:
            self._bar.set_fraction(min(max(fraction, 0.0), 1.0))

    def show_pixels(self, pixels: Pixels) -> None:
        picture = pixbuf(pixels)
        scale = SIDE / max(pixels.width, pixels.height)
        size = max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale))
        self._picture.set_from_pixbuf(picture.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR))

    def close(self) -> None:
        self._dialog.destroy()

    def _cancelled(self, _dialog: Gtk.Dialog, _response: int) -> None:
        self._cancel.set_sensitive(False)
        self._text.set_text(_("Cancelling"))
        self._on_cancel()


def pixbuf(pixels: Pixels) -> GdkPixbuf.Pixbuf:
    """R'G'B' u8 pixels as a picture for GTK."""
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(bytes(pixels.data)),
        GdkPixbuf.Colorspace.RGB,
        False,
        8,
        pixels.width,
        pixels.height,
        pixels.width * 3,
    )
