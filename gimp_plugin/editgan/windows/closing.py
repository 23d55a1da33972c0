"""What to do with work that is not kept when the EditGAN window is closed."""

from __future__ import annotations

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk

from link.texts import _
from windows import dialogs


def ask_whether_to_keep(parent: Gtk.Window, people: int) -> bool | None:
    """True: keep, False: discard, None: the window stays open. people: how many have changes."""
    dialog = Gtk.Dialog(title=_("Keep the Changes?"), transient_for=parent, modal=True)
    dialogs.button(dialog, _("_Discard"), Gtk.ResponseType.NO)
    dialogs.button(dialog, _("_Cancel"), Gtk.ResponseType.CANCEL)
    dialogs.button(dialog, _("_Keep"), Gtk.ResponseType.YES)
    dialog.set_default_response(Gtk.ResponseType.YES)
    text = _("The canvas shows changes to this face that are not in the image yet.")
    if people > 1:
        text = _("The canvas shows changes to {count} faces that are not in the image yet.")
    label = Gtk.Label(label=text.format(count=people), wrap=True, max_width_chars=46, xalign=0.0)
    label.set_property("margin", dialogs.SPACING)
    dialog.get_content_area().add(label)
    dialog.show_all()
    answer = dialogs.run_over(dialog, parent)
    dialog.destroy()
    return {Gtk.ResponseType.YES: True, Gtk.ResponseType.NO: False}.get(answer)
