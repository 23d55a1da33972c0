"""A line of news at the top of a dialog, with a button where something can be done about it."""

from __future__ import annotations

from collections.abc import Callable

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk

_ACT = 1


class NewsBar:
    """Hidden until there is something to say. Only the newest counts."""

    def __init__(self) -> None:
        self.widget = Gtk.InfoBar(no_show_all=True, show_close_button=True)
        self._text = Gtk.Label(xalign=0.0, wrap=True, max_width_chars=90, visible=True)
        self.widget.get_content_area().add(self._text)
        self._button = self.widget.add_button("", _ACT)
        self._button.set_use_underline(True)
        self._action: Callable[[], None] | None = None
        self.widget.connect("response", self._answered)

    def say(
        self,
        text: str,
        *,
        problem: bool = False,
        button: str = "",
        action: Callable[[], None] | None = None,
    ) -> None:
        self._text.set_text(text)
        self._action = action
        self._button.set_label(button)
        self._button.set_visible(action is not None)
        kind = Gtk.MessageType.WARNING if problem else Gtk.MessageType.INFO
        self.widget.set_message_type(kind)
        self.widget.show()

    @property
    def said(self) -> str:
        """What is to be read, "" where nothing is."""
        return self._text.get_text() if self.widget.get_visible() else ""

    def warn_if_quiet(self, text: str) -> None:
        """A problem that is less than any that is told already."""
        if not self.said:
            self.say(text, problem=True)

    def take_back(self, text: str) -> None:
        """That is over; what else was told since stays."""
        if self.said == text:
            self.hide()

    def hide(self) -> None:
        self.widget.hide()

    def _answered(self, _bar: Gtk.InfoBar, response: int) -> None:
        action = self._action
        self.hide()
        if response == _ACT and action:
            action()
