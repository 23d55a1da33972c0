"""The commands' dialogs. Each returns after OK and raises CommandCancelled otherwise.

They write what was chosen into the procedure's config, so that GIMP remembers it for the next time.
"""

from __future__ import annotations

from collections.abc import Sequence

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, GLib, GObject, Gtk

from link.errors import CommandCancelled
from link.texts import _
from protocol.messages import BundleInfo
from windows.polling import every

SPACING = 12
ROLE = "editgan"
_POLL_MS = 500


def new(config: Gimp.ProcedureConfig, title: str, ok: str) -> GimpUi.ProcedureDialog:
    GimpUi.init(ROLE)
    dialog = GimpUi.ProcedureDialog.new(config.get_procedure(), config, title)
    dialog.set_ok_label(ok)
    dialog.get_content_area().set_spacing(6)
    return dialog


def ask(dialog: GimpUi.ProcedureDialog, image: Gimp.Image) -> None:
    """Show the dialog until it is answered, and take it away."""
    accepted = run(dialog, image)
    dialog.destroy()
    if not accepted:
        raise CommandCancelled


def run(dialog: Gtk.Dialog, image: Gimp.Image) -> int:
    """The answer to a dialog; it is cancelled when the image that it is about is closed."""

    def look() -> None:
        if not image.is_valid():
            dialog.response(Gtk.ResponseType.CANCEL)

    timer = every(_POLL_MS, look)
    try:
        return dialog.run()
    finally:
        GLib.source_remove(timer)


def run_over(dialog: Gtk.Dialog, parent: Gtk.Window) -> int:
    """The answer to a question about what is in a window; it is cancelled when that goes, with its
    image say.
    """

    def cancel(*_event: object) -> None:
        dialog.response(Gtk.ResponseType.CANCEL)

    signals = ("hide", "destroy", *(["response"] if isinstance(parent, Gtk.Dialog) else []))
    handlers = [parent.connect(signal, cancel) for signal in signals]
    try:
        return dialog.run()
    finally:
        for handler in handlers:
            if parent.handler_is_connected(handler):
                parent.disconnect(handler)


def add(dialog: GimpUi.ProcedureDialog, widget: Gtk.Widget, *, expand: bool = False) -> None:
    """Put a widget of our own below what `fill` made."""
    dialog.get_content_area().pack_start(widget, expand, expand, 0)
    widget.show_all()


def button(dialog: Gtk.Dialog, label: str, response: Gtk.ResponseType) -> Gtk.Button:
    """One of the buttons in the lower right corner of a window of our own."""
    made = dialog.add_button(label, response)
    made.set_margin_end(SPACING)
    made.set_margin_bottom(SPACING)
    return made


def hint(text: str) -> Gtk.Label:
    """Small print."""
    label = Gtk.Label(label=text, xalign=0.0, wrap=True, max_width_chars=52)
    label.set_margin_top(6)
    label.set_margin_bottom(6)
    label.get_style_context().add_class("dim-label")
    return label


def row(text: str, widget: Gtk.Widget, beside: Gtk.Widget | None = None) -> Gtk.Box:
    """A labelled widget, its label as wide as that of `beside` (if that has one on its left)."""
    label = Gtk.Label.new_with_mnemonic(text)
    label.set_xalign(0.0)
    label.set_mnemonic_widget(widget)
    box = Gtk.Box(spacing=6)
    box.pack_start(label, False, False, 0)
    box.pack_start(widget, True, True, 0)
    if isinstance(beside, GimpUi.Labeled):  # GIMP 3.2 puts a choice into a frame
        widths = Gtk.SizeGroup(mode=Gtk.SizeGroupMode.HORIZONTAL)
        widths.add_widget(label)
        widths.add_widget(beside.get_label())
    return box


def segment(image: Gimp.Image, config: Gimp.ProcedureConfig, models: Sequence[BundleInfo]) -> None:
    dialog = new(config, _("Segment Parts"), _("S_egment"))
    names = [model.name for model in models]
    if config.get_property("bundle") not in names and names:
        config.set_property("bundle", names[0])
    combo = Gtk.ComboBoxText(hexpand=True)
    for model in models:
        combo.append(model.name, model.title or model.name)
    combo.set_active_id(config.get_property("bundle"))
    combo.connect("changed", lambda c: config.set_property("bundle", c.get_active_id()))
    add(dialog, row(_("_Model"), combo, beside=dialog.get_widget("level", GObject.TYPE_NONE)))
    dialog.fill(["level", "uncertainty"])
    add(
        dialog,
        hint(
            _(
                "All subjects are found; to take only one of them, select it first. Models that "
                "find none, such as those of cars, take what you select, or the whole photo."
            )
        ),
    )
    ask(dialog, image)


def repaint(image: Gimp.Image, config: Gimp.ProcedureConfig) -> None:
    dialog = new(config, _("Apply Repaint"), _("_Apply"))
    dialog.fill(["steps", "name", "save-as"])
    add(dialog, hint(_("The result is a new layer above the photo; the part layers are hidden.")))
    ask(dialog, image)
