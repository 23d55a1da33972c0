"""A small window that asks for an edit's name."""

from __future__ import annotations

import gi

from windows import dialogs

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk

from link.texts import _


def ask_for_name(parent: Gtk.Window, text: str) -> str:
    """A new name for an edit; empty if the user changes their mind."""
    dialog = Gtk.Dialog(title=_("Rename Edit"), transient_for=parent, modal=True)
    dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
    dialog.add_button(_("_OK"), Gtk.ResponseType.OK)
    dialog.set_default_response(Gtk.ResponseType.OK)
    entry = Gtk.Entry(text=text, activates_default=True, width_chars=32, max_length=120)
    box = dialogs.row(_("_Name"), entry)
    box.set_border_width(dialogs.SPACING)
    dialog.get_content_area().add(box)
    dialog.show_all()
    accepted = dialogs.run_over(dialog, parent) == Gtk.ResponseType.OK
    typed = entry.get_text().strip() if accepted else ""
    dialog.destroy()
    return typed
