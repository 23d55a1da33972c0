"""A progress bar in a window of ours, with a button that ends the work."""

from __future__ import annotations

import threading
from collections.abc import Callable

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk

from link.progress import describe, overall
from link.texts import _
from protocol.messages import Event, Progress


class WorkBar:
    """`widget` shows a job as long as one runs; a View of link.progress.

    keep: whether Stop keeps what there is, instead of giving the job up.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.keep = False
        self._stop_job: Callable[[bool], None] | None = None
        self._bar = Gtk.ProgressBar(hexpand=True, show_text=True, valign=Gtk.Align.CENTER)
        self._stop = Gtk.Button.new_with_mnemonic(_("Sto_p"))
        self._stop.connect("clicked", lambda _button: self.stop())
        self.widget = Gtk.Box(spacing=6)
        self.widget.pack_start(self._bar, True, True, 0)
        self.widget.pack_end(self._stop, False, False, 0)
        self.close()

    def prepare(self, *, keep: bool = False) -> None:
        """Before a job."""
        self.cancelled.clear()
        self.keep = keep

    def stop(self) -> None:
        """End the job that runs, if any."""
        if self._stop_job is None:
            return
        if not self.keep:
            self.cancelled.set()
        self._stop.set_sensitive(False)
        self._stop_job(self.keep)

    def begin(self, stop: Callable[[bool], None]) -> None:
        self._stop_job = stop
        self._stop.set_sensitive(True)

    def say(self, text: str, fraction: float | None = None) -> None:
        self._bar.set_text(text)
        if fraction is not None:
            self._bar.set_fraction(fraction)

    def show(self, event: Event, span: tuple[float, float]) -> None:
        if isinstance(event, Progress):
            self.say(describe(event), overall(event.fraction, span))

    def close(self) -> None:
        """No job runs."""
        self._stop_job = None
        self._stop.set_sensitive(False)
        self.say("", 0.0)
