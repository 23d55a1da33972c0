"""Images with indexed colours: an offer to convert them."""

from __future__ import annotations

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, Gtk

from link.errors import CommandCancelled
from link.texts import _
from windows.dialogs import ROLE, SPACING, button, run


def offer_rgb(image: Gimp.Image) -> None:
    """Convert an indexed image to RGB, as one undo step, if the user agrees.

    Raises CommandCancelled otherwise. Other images stay as they are.
    """
    if image.get_base_type() != Gimp.ImageBaseType.INDEXED:
        return
    if not _agreed(image):
        raise CommandCancelled
    image.convert_rgb()
    Gimp.displays_flush()


def _agreed(image: Gimp.Image) -> bool:
    GimpUi.init(ROLE)
    dialog = GimpUi.Dialog(title=_("Convert to RGB"), role="editgan-indexed")
    button(dialog, _("_Cancel"), Gtk.ResponseType.CANCEL)
    button(dialog, _("Convert to _RGB"), Gtk.ResponseType.OK)
    dialog.set_default_response(Gtk.ResponseType.OK)
    text = _(
        "“{name}” has indexed colours: a palette of at most 256, which cannot hold a photo's "
        "shades.\n\nEditGAN can work on it once it is converted to RGB. Its look stays the same, "
        "and Undo takes the conversion back."
    )
    label = Gtk.Label(
        label=text.format(name=image.get_name()), xalign=0.0, wrap=True, max_width_chars=52
    )
    label.set_property("margin", SPACING)
    dialog.get_content_area().add(label)
    GimpUi.window_set_transient(dialog)
    dialog.show_all()
    answer = run(dialog, image)
    dialog.destroy()
    return answer == Gtk.ResponseType.OK
