"""The window of Live Repaint: a preview that follows the brush, Keep, Close."""

from __future__ import annotations

from collections.abc import Callable

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, Gtk

from link.texts import _
from protocol.geometry import Rect
from protocol.messages import Pixels, Preview
from windows.dialogs import SPACING, button
from windows.faces_seen import beside_faces
from windows.picture import Picture


class LiveWindow:
    """Not modal, and does not take the keyboard from the canvas again once it is there.

    on_answer(True): the user wants to keep the result; on_answer(False): the window was closed.
    """

    def __init__(self, image: Gimp.Image, on_answer: Callable[[bool], None]) -> None:
        GimpUi.init("editgan")
        self._dialog = GimpUi.Dialog(title=_("Live Repaint"), role="editgan-live")
        self._keep = button(self._dialog, _("_Keep"), Gtk.ResponseType.OK)
        self._keep.set_tooltip_text(_("Put what you see into a new layer above the photo"))
        close = button(self._dialog, _("_Close"), Gtk.ResponseType.CLOSE)
        close.set_tooltip_text(_("Leave the photo as it is"))
        self._dialog.connect(
            "response", lambda _dialog, response: on_answer(response == Gtk.ResponseType.OK)
        )
        self._dialog.connect("delete-event", lambda *_event: True)  # a response came before it
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=SPACING)
        self._picture = Picture()
        self._text = Gtk.Label(xalign=0.0, width_chars=40, max_width_chars=40, wrap=True, lines=2)
        for widget in (self._picture.widget, self._text):
            box.pack_start(widget, False, False, 0)
        self._dialog.get_content_area().add(box)
        self._place = beside_faces(self._dialog, "window-live", image)
        GimpUi.window_set_transient(self._dialog)
        self._dialog.show_all()
        self.ready(False)

    def say(self, text: str) -> None:
        self._text.set_text(text)

    def show(self, preview: Preview) -> None:
        self._picture.show(preview)

    def show_photo(self, photo: Pixels, rect: Rect) -> None:
        self._picture.show_photo(photo, rect)

    def ready(self, something_to_keep: bool) -> None:
        self._keep.set_sensitive(something_to_keep)

    def close(self) -> None:
        self._place.close()
        self._dialog.destroy()
