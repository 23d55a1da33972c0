"""The other commands, from within the EditGAN window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, Gtk

from link.errors import CommandCancelled, PlugInError
from link.texts import _
from windows import new_model, status_dialog

# image, selected layers, the procedure's arguments, whether to ask
Run = Callable[[Gimp.Image, list[Gimp.Drawable], Any, bool], object]
LABELS = {
    "plug-in-editgan-best-take": _("Best Ta_ke..."),
    "plug-in-editgan-everywhere": _("Same Edits in All _Open Images..."),
    "plug-in-editgan-borrow": _("Borrow from Another _Photo..."),
    "plug-in-editgan-save-edit": _("Save as _Edit..."),
    "plug-in-editgan-apply": _("Edit Librar_y..."),
}


class MoreMenu:
    """`widget`: a button with the commands.

    commands: by their procedures' names. settle(then): the image gets what the window shows, then
    then() is called. tell: of what goes wrong.
    """

    def __init__(
        self,
        image: Gimp.Image,
        commands: Mapping[str, Run],
        settle: Callable[[Callable[[], None]], None],
        tell: Callable[[str], None],
    ) -> None:
        self._image, self._commands = image, commands
        self._settle, self._tell = settle, tell
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

    def _item(self, menu: Gtk.Menu, label: str) -> Gtk.MenuItem:
        item = Gtk.MenuItem.new_with_mnemonic(label)
        menu.append(item)
        return item

    def _chosen(self, _item: Gtk.MenuItem, name: str) -> None:
        def work() -> None:
            config = Gimp.get_pdb().lookup_procedure(name).create_config()
            layers = self._image.get_selected_layers()
            self._run(lambda: self._commands[name](self._image, layers, config, True))

        self._settle(work)

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except CommandCancelled:
            return
        except PlugInError as error:
            self._tell(str(error))
