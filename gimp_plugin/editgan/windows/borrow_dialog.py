"""The dialog of Borrow from Another Photo."""

from __future__ import annotations

from collections.abc import Sequence

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, Gtk

from commands.borrow import Groups
from image import names
from link.part_names import part_name
from link.texts import _
from windows import dialogs

_SIDE = 192  # of the chosen image's picture, pixels


def run(
    image: Gimp.Image, config: Gimp.ProcedureConfig, images: Sequence[Gimp.Image], groups: Groups
) -> None:
    """Ask which of the images gives which parts to `image`; raises CommandCancelled if it is not
    answered with OK.

    groups: what can be chosen, by name, and the parts that each stands for.
    """
    dialog = dialogs.new(config, _("Borrow from Another Photo"), _("_Borrow"))
    combo, picture = Gtk.ComboBoxText(hexpand=True), Gtk.Image()
    picture.set_size_request(_SIDE, _SIDE)  # the window keeps its size
    for one in images:
        combo.append(str(one.get_id()), names.short(one))

    def choose(*_event: object) -> None:
        other = Gimp.Image.get_by_id(int(combo.get_active_id()))
        config.set_property("other", other)
        if other is None:  # closed since: what is made of it says so
            picture.clear()
            return
        small = other.get_thumbnail(_SIDE, _SIDE, Gimp.PixbufTransparency.SMALL_CHECKS)
        picture.set_from_pixbuf(small)

    combo.connect("changed", choose)
    combo.set_active(0)
    dialogs.add(dialog, dialogs.row(_("_From"), combo))
    dialogs.add(dialog, picture)
    dialogs.add(dialog, _checks(dialog, config, groups))
    dialog.fill(["take", "steps"])
    dialogs.add(
        dialog,
        dialogs.hint(
            _(
                "Works best between frames of one series. In a group portrait the person in the "
                "same place is taken."
            )
        ),
    )
    dialogs.ask(dialog, image)


def _checks(dialog: Gtk.Dialog, config: Gimp.ProcedureConfig, groups: Groups) -> Gtk.Widget:
    """A box to tick for each group; OK can be pressed once there is one."""
    grid = Gtk.FlowBox(selection_mode=Gtk.SelectionMode.NONE, max_children_per_line=3)
    grid.set_can_focus(False)
    chosen = {name.strip() for name in (config.get_property("parts") or "").split(",")}
    boxes = {name: Gtk.CheckButton(label=part_name(name), active=name in chosen) for name in groups}

    def update(*_event: object) -> None:
        names = [name for name, box in boxes.items() if box.get_active()]
        config.set_property("parts", ", ".join(names))
        dialog.set_response_sensitive(Gtk.ResponseType.OK, bool(names))

    for name, box in boxes.items():
        box.set_tooltip_text(
            _("Changes: {parts}").format(parts=", ".join(map(part_name, groups[name])))
        )
        box.connect("toggled", update)
        grid.add(box)
        box.get_parent().set_can_focus(False)
    update()
    return grid
