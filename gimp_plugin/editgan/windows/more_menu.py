"""The other commands, from within the EditGAN window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, Gtk

from image import subjects
from link.errors import CommandCancelled, PlugInError, unexpected
from link.texts import _
from windows import new_model, status_dialog, views
from windows.work_bar import WorkBar

# image, selected layers, the procedure's arguments, whether to ask
Run = Callable[[Gimp.Image, list[Gimp.Drawable], Any, bool], object]
LABELS = {
    "plug-in-editgan-best-take": _("Best Ta_ke..."),
    "plug-in-editgan-everywhere": _("Same Edits in All _Open Images..."),
    "plug-in-editgan-borrow": _("Borrow from Another _Photo..."),
    "plug-in-editgan-save-edit": _("Save as _Edit..."),
    "plug-in-editgan-apply": _("Edit Librar_y..."),
}


class Opener(Protocol):
    """The window that the menu is in."""

    def settle(self, then: Callable[[], None]) -> None:
        """Let the image have what the window shows, then call `then`."""

    def remember_person(self) -> int | None:
        """Who is worked on, by number; the image knows them from now on."""

    def say(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def found(self, text: str) -> None:
        """That warning is over."""

    def command_done(self) -> None:
        """A command has ended, well or not: the library and the image may be others."""


class MoreMenu:
    """`widget`: a button with the commands; `bar`: shows their jobs, and stops them.

    commands: by their procedures' names.
    """

    def __init__(self, image: Gimp.Image, commands: Mapping[str, Run], window: Opener) -> None:
        self._image, self._commands, self._window = image, commands, window
        self._bar = CommandBar(window.say)
        self._warned = ""
        self.bar = self._bar.widget
        menu = Gtk.Menu()
        for name, label in LABELS.items():
            self._item(menu, label).connect("activate", self._chosen, name)
        making = self._item(menu, _("_New Model..."))
        making.connect("activate", lambda _item: self._run(lambda: new_model.run()))
        settings = self._item(menu, _("_Backend Status and Settings..."))
        settings.connect("activate", lambda _item: self._run(lambda: status_dialog.run()))
        menu.show_all()
        self.widget = Gtk.MenuButton(label=_("_More"), use_underline=True, popup=menu)
        self.widget.set_direction(Gtk.ArrowType.UP)
        self.widget.set_tooltip_text(_("Other open images, saving edits, settings"))

    def stop(self) -> None:
        """The window closes: end the command that works, if any."""
        self._bar.stop()

    def _item(self, menu: Gtk.Menu, label: str) -> Gtk.MenuItem:
        item = Gtk.MenuItem.new_with_mnemonic(label)
        menu.append(item)
        return item

    def _chosen(self, _item: Gtk.MenuItem, name: str) -> None:
        def work() -> None:
            config = Gimp.get_pdb().lookup_procedure(name).create_config()
            layers = self._image.get_selected_layers()
            with subjects.worked_on(self._image, self._window.remember_person()):
                self._run(lambda: self._commands[name](self._image, layers, config, True))

        self._window.settle(work)

    def _run(self, work: Callable[[], object]) -> None:
        """One command at a time; what it raises is told in the window, never silence."""
        self.widget.set_sensitive(False)
        self._window.found(self._warned)  # of the command before
        try:
            with views.within(self._bar):
                work()
        except CommandCancelled:
            pass
        except PlugInError as error:
            self._warn(str(error))
        except Exception as error:
            self._warn(unexpected(error))
        finally:
            self.widget.set_sensitive(True)
            self._window.command_done()

    def _warn(self, text: str) -> None:
        self._warned = text
        self._window.warn(text)


class CommandBar(WorkBar):
    """Only there as long as a command works."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self.tell = tell
        self.widget.show_all()  # what is in it: it is hidden and shown as a whole
        self.widget.set_no_show_all(True)
        self.widget.hide()

    def prepare(self, *, keep: bool = False) -> None:
        super().prepare(keep=keep)
        self.widget.show()

    def close(self) -> None:
        super().close()
        self.widget.hide()
