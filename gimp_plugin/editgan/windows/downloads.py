"""Getting a public model: which one, its terms, and how far it is."""

from __future__ import annotations

from collections.abc import Callable

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk

from link.errors import CommandCancelled, PlugInError
from link.session import Session, expect
from link.texts import _
from protocol.messages import Download, DownloadableModel, Downloaded
from windows import dialogs
from windows.work_bar import WorkBar


class DownloadBar:
    """`widget`: a row below the installed models. tell: of what goes wrong, or went well.

    done(): another model is installed now.
    """

    def __init__(self, tell: Callable[[str], None], done: Callable[[], None]) -> None:
        self._tell, self._done = tell, done
        self._models: dict[str, DownloadableModel] = {}
        self._busy = False
        self._choice = Gtk.ComboBoxText(hexpand=True)
        self._get = Gtk.Button.new_with_mnemonic(_("Do_wnload..."))
        self._get.set_tooltip_text(_("Read its terms, then fetch it from its makers"))
        self._get.connect("clicked", lambda _button: self._download())
        self._work = WorkBar()
        self._work.widget.show_all()  # what is in it: `_show` hides and shows it as a whole
        row = Gtk.Box(spacing=6)
        row.pack_start(dialogs.row(_("Get a mode_l"), self._choice), True, True, 0)
        row.pack_end(self._get, False, False, 0)
        self.widget = Gtk.Grid(row_spacing=6)
        self.widget.attach(row, 0, 0, 1, 1)
        self.widget.attach(self._work.widget, 0, 1, 1, 1)
        self._show()

    def offer(self, models: list[DownloadableModel]) -> None:
        """Those that are not installed, while none is being fetched."""
        if self._busy:
            return
        self._models = {one.name: one for one in models if not one.installed}
        self._choice.remove_all()
        for model in self._models.values():
            self._choice.append(model.name, described(model))
        self._choice.set_active(0)
        self._show()

    def stop(self) -> None:
        """The window closes: what has arrived is kept."""
        self._work.stop()

    def _show(self) -> None:
        self._get.set_sensitive(bool(self._models) and not self._busy)
        self._choice.set_sensitive(not self._busy)
        self._work.widget.set_visible(self._busy)
        self._work.widget.set_no_show_all(True)

    def _download(self) -> None:
        model = self._models.get(self._choice.get_active_id() or "")
        parent = self.widget.get_toplevel()
        if model is None or self._busy or not accepts(parent, model):
            return
        self._busy = True
        self._work.prepare()
        self._show()
        said = None
        try:
            with Session(self._work) as session:
                message = Download(model.name, model.terms)
                found = expect(Downloaded, session.request(message))
            said = _("“{model}” is installed. To open photos it needs parts: New Model.")
            said = " ".join([said.format(model=found.bundle), *found.notes])
        except CommandCancelled:
            self._tell(_("Stopped. What has arrived is kept; Download goes on from there."))
        except PlugInError as error:
            self._tell(str(error))
        finally:
            self._busy = False
            self._work.close()
            self._show()
        if said is not None:
            self._done()
            self._tell(said)


def described(model: DownloadableModel) -> str:
    """In a line: what it is, how large, whether it can be checked."""
    size = _(", {mb:.0f} MB").format(mb=model.size / 1e6) if model.size else ""
    unchecked = "" if model.verified else _(" (not verified here)")
    return f"{model.title}{size}{unchecked}"


def accepts(parent: Gtk.Window, model: DownloadableModel) -> bool:
    """Ask whether the user accepts a model's terms."""
    dialog = Gtk.MessageDialog(
        transient_for=parent,
        modal=True,
        message_type=Gtk.MessageType.QUESTION,
        title=_("Terms of the Model"),
        text=model.title,
        secondary_text=model.license,
    )
    dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
    dialog.add_button(_("_Accept and Download"), Gtk.ResponseType.OK)
    said = _("Read the terms: {url}").format(url=model.terms)
    link = Gtk.LinkButton.new_with_label(model.terms, said)
    link.set_halign(Gtk.Align.START)
    dialog.get_message_area().add(link)
    dialog.set_default_response(Gtk.ResponseType.CANCEL)
    dialog.show_all()
    answer = dialog.run()
    dialog.destroy()
    return bool(answer == Gtk.ResponseType.OK)
