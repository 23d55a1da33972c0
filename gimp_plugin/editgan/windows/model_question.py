"""A small window that asks which model is to look at a photo."""

from __future__ import annotations

from collections.abc import Sequence

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk

from link.texts import _
from protocol.messages import BundleInfo
from windows import dialogs


def ask_for_model(parent: Gtk.Window, models: Sequence[BundleInfo], chosen: str) -> str:
    """The name of the one that is chosen; "" if the user changes their mind."""
    dialog = Gtk.Dialog(title=_("Choose a Model"), transient_for=parent, modal=True)
    dialogs.button(dialog, _("_Cancel"), Gtk.ResponseType.CANCEL)
    dialogs.button(dialog, _("_Look"), Gtk.ResponseType.OK)
    dialog.set_default_response(Gtk.ResponseType.OK)
    combo = Gtk.ComboBoxText(hexpand=True)
    for model in models:
        combo.append(model.name, model.title or model.name)
    combo.set_active_id(chosen)
    box = Gtk.Grid(row_spacing=6, border_width=dialogs.SPACING)
    box.attach(dialogs.row(_("_Model"), combo), 0, 0, 1, 1)
    text = _(
        "Models that find none, such as those of cars, take what you select, or the whole photo."
    )
    box.attach(dialogs.hint(text), 0, 1, 1, 1)
    dialog.get_content_area().add(box)
    dialog.show_all()
    combo.grab_focus()
    accepted = dialogs.run_over(dialog, parent) == Gtk.ResponseType.OK
    name = combo.get_active_id() or ""
    dialog.destroy()
    return name if accepted else ""
