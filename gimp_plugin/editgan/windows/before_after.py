"""The large picture of the dialog: the photo with the stack, or without it while held."""

from __future__ import annotations

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gtk

from link.texts import _
from protocol.messages import Pixels
from windows.picture import pixbuf

SIDE = 384  # px


class BeforeAfter:
    """Shows `after`; `before` while the picture or the button is pressed, or Space is held."""

    def __init__(self, side: int = SIDE) -> None:
        self._before = self._after = None
        self._picture = Gtk.Image()
        self._picture.set_size_request(side, side)
        self.widget = Gtk.EventBox(halign=Gtk.Align.CENTER)
        self.widget.set_tooltip_text(_("Press and hold to see the photo as it was"))
        self.widget.add(self._picture)
        self.button = Gtk.Button.new_with_mnemonic(_("_Before (hold)"))
        self.button.set_tooltip_text(_("Press and hold, or hold the space bar, to compare"))
        for pressed in (self.widget, self.button):
            pressed.add_events(Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON_RELEASE_MASK)
            pressed.connect("button-press-event", self._hold, True)
            pressed.connect("button-release-event", self._hold, False)
        self.button.connect("key-press-event", self._key, True)
        self.button.connect("key-release-event", self._key, False)
        self.button.connect("focus-out-event", self._hold, False)

    def show_before(self, pixels: Pixels) -> None:
        self._before = pixbuf(pixels)
        self._after = self._after or self._before
        self._show(False)

    def show_after(self, pixels: Pixels) -> None:
        self._after = pixbuf(pixels)
        self._show(False)

    def _show(self, before: bool) -> None:
        self._picture.set_from_pixbuf(self._before if before else self._after)

    def _hold(self, _widget: Gtk.Widget, _event: Gdk.Event, held: bool) -> bool:
        self._show(held)
        return Gdk.EVENT_PROPAGATE

    def _key(self, _widget: Gtk.Widget, event: Gdk.EventKey, held: bool) -> bool:
        if event.keyval in (Gdk.KEY_space, Gdk.KEY_Return, Gdk.KEY_KP_Enter):
            self._show(held)
            return Gdk.EVENT_STOP
        return Gdk.EVENT_PROPAGATE
