"""The window of Backend Status and Settings."""

from __future__ import annotations

from collections.abc import Callable

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, GLib, Gtk

from link import settings, status
from link.errors import PlugInError
from link.texts import _
from windows.dialogs import ROLE, SPACING, button
from windows.downloads import DownloadBar
from windows.polling import every
from windows.settings_page import SettingsPage
from windows.status_pages import LogPage, ModelsPage, StatusPage
from windows.views import LabelView

RESTART, STOP = 1, 2
_POLL_MS = 1000


def run() -> status.BackendOverview | None:
    """Show the window until it is closed; returns the backend's last known state.

    It opens whatever state the backend is in: it is also where another one is chosen.
    """
    GimpUi.init(ROLE)
    window = BackendWindow()
    return window.run()


class BackendWindow:
    """Four pages, filled whenever the backend was asked; buttons restart and stop it."""

    def __init__(self) -> None:
        self._state: status.BackendOverview | None = None
        self._busy = self._look_again = self._runs_here = False
        self._dialog = GimpUi.Dialog(title=_("EditGAN Backend"), role="editgan-status")
        self._restart = button(self._dialog, _("_Restart"), RESTART)
        self._stop = button(self._dialog, _("_Stop Backend"), STOP)
        button(self._dialog, _("_Close"), Gtk.ResponseType.CLOSE)
        self._dialog.set_default_response(Gtk.ResponseType.CLOSE)
        self._dialog.set_default_size(680, 480)
        self._status, self._models, self._log = StatusPage(), ModelsPage(), LogPage()
        self._downloads = DownloadBar(lambda text: self._news.set_text(text), self._do)
        self._settings = SettingsPage(on_saved=self._do)
        self._news = Gtk.Label(xalign=0.0, wrap=True, selectable=True, max_width_chars=72)
        self._news.set_property("margin", 6)
        self._pages = self._notebook()
        self._pages.set_property("margin", SPACING)
        self._dialog.connect("response", self._hide_at_once)
        content = self._dialog.get_content_area()
        content.pack_start(self._pages, True, True, 0)
        content.pack_start(self._news, False, False, 0)

    def run(self) -> status.BackendOverview | None:
        GimpUi.window_set_transient(self._dialog)
        self._settings.show()
        self._dialog.show_all()
        GLib.idle_add(self._look_once)  # the window is there first, whatever the answer takes
        timer = every(_POLL_MS, self._notice_its_end)
        while (response := self._dialog.run()) in (RESTART, STOP) or not self._may_close():
            if response == RESTART:
                self._do(status.stop)
            elif response == STOP:
                self._do(status.stop, then_look=False)
        GLib.source_remove(timer)
        self._dialog.destroy()
        return self._state

    def _notebook(self) -> Gtk.Notebook:
        pages = Gtk.Notebook()
        for page, title in (
            (self._status.widget, _("Stat_us")),
            (_above(self._models.widget, self._downloads.widget), _("_Models")),
            (self._settings.widget, _("S_ettings")),
            (self._log.widget, _("Lo_g")),
        ):
            pages.append_page(page, Gtk.Label.new_with_mnemonic(title))
        return pages

    def _look_once(self) -> bool:
        self._do()
        return GLib.SOURCE_REMOVE

    def _do(
        self, work: Callable[[LabelView], object] | None = None, *, then_look: bool = True
    ) -> None:
        """Do something with the backend, then show how it is; problems are told in the window."""
        if self._busy:
            self._look_again = True  # other settings: what is being asked may be another backend
            return
        self._busy, self._state = True, None
        self._fill()
        view = LabelView(self._news.set_text)
        try:
            if work:
                work(view)
            self._state = status.look(view) if then_look else None
            self._runs_here = status.is_running()
            self._news.set_text("")
        except PlugInError as error:
            self._news.set_text(str(error))
        finally:
            self._busy = False
        self._fill()
        if self._look_again and self._dialog.get_visible():
            self._look_again = False
            self._do()

    def _notice_its_end(self) -> None:
        """What is shown of a backend that was killed, or ended by itself, is true no more."""
        state = self._state
        if state is None or self._busy or not self._runs_here or status.is_running():
            return
        self._state = None
        self._fill()
        self._news.set_text(_("The backend has ended. Restart starts another one."))

    def _fill(self) -> None:
        self._status.show(self._state, _where(), busy=self._busy)
        self._models.show(self._state)
        self._downloads.offer(self._state.downloads if self._state else [])
        self._log.show(self._state)
        self._update_buttons()

    def _update_buttons(self) -> None:
        remote = self._state is not None and self._state.is_remote
        self._stop.set_sensitive(not self._busy and self._state is not None)
        self._restart.set_sensitive(not self._busy and not remote)
        self._restart.set_tooltip_text(
            _("It can only be started where it runs, on the other computer") if remote else None
        )

    def _hide_at_once(self, _dialog: Gtk.Dialog, response: int) -> None:
        """A question that the backend is slow to answer should not keep the window."""
        if response not in (RESTART, STOP):
            self._downloads.stop()
        if response not in (RESTART, STOP) and not self._settings.changed:
            self._dialog.hide()

    def _may_close(self) -> bool:
        """Whether nothing is lost by closing: changed settings are saved or given up first."""
        if not self._settings.changed:
            return True
        question = Gtk.MessageDialog(
            transient_for=self._dialog,
            modal=True,
            message_type=Gtk.MessageType.QUESTION,
            title=_("Save Settings?"),
            text=_("The settings were changed but not saved."),
        )
        question.add_button(_("_Discard"), Gtk.ResponseType.NO)
        question.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        question.add_button(_("_Save"), Gtk.ResponseType.YES)
        question.set_default_response(Gtk.ResponseType.YES)
        answer = question.run()
        question.destroy()
        if answer == Gtk.ResponseType.YES:
            return self._settings.save()
        return answer == Gtk.ResponseType.NO


def _above(upper: Gtk.Widget, lower: Gtk.Widget) -> Gtk.Widget:
    upper.set_vexpand(True)
    lower.set_border_width(SPACING)
    box = Gtk.Grid()
    box.attach(upper, 0, 0, 1, 1)
    box.attach(lower, 0, 1, 1, 1)
    return box


def _where() -> str:
    """Which backend is meant, as the settings have it."""
    try:
        remote = settings.load().chosen_remote
    except PlugInError:
        return _("unknown")
    return remote.address if remote else _("this computer")
