"""Buttons of parts to paint: a colour and a name each; one press gives layer, brush and colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GdkPixbuf, Gtk

from link.part_names import part_name
from link.texts import _
from protocol.messages import PartToLabel

_SWATCH = 12  # px
_HEIGHT = 160  # px at least, before they scroll


class PartButtons:
    """take(part): paint on this one. erase(on): the brush takes away."""

    def __init__(self, take: Callable[[PartToLabel], None], erase: Callable[[bool], None]) -> None:
        self._take = take
        self._flow = Gtk.FlowBox(
            selection_mode=Gtk.SelectionMode.NONE,
            min_children_per_line=3,
            max_children_per_line=6,
            column_spacing=2,
            row_spacing=2,
            valign=Gtk.Align.START,
        )
        scrolled = Gtk.ScrolledWindow(can_focus=False, vexpand=True)
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        scrolled.set_min_content_height(_HEIGHT)
        scrolled.add(self._flow)
        self._part = Gtk.Label(xalign=0.0, hexpand=True)
        self._part.get_style_context().add_class("dim-label")
        eraser = Gtk.ToggleButton.new_with_mnemonic(_("Era_ser"))
        eraser.set_tooltip_text(_("The brush takes away instead of adding"))
        eraser.connect("toggled", lambda button: erase(button.get_active()))
        self.widget = Gtk.Grid(row_spacing=4, column_spacing=6)
        self.widget.attach(self._part, 0, 0, 1, 1)
        self.widget.attach(eraser, 1, 0, 1, 1)
        self.widget.attach(scrolled, 0, 1, 2, 1)

    def fill(self, parts: Sequence[PartToLabel]) -> None:
        for child in self._flow.get_children():
            self._flow.remove(child)
        for part in parts:
            button = Gtk.Button(label=part_name(part.name), always_show_image=True)
            button.set_image(Gtk.Image.new_from_pixbuf(_swatch(part.color)))
            button.connect("clicked", lambda _button, one: self._chosen(one), part)
            button.set_tooltip_text(_("Paint on the layer of this part, with a brush to fit"))
            self._flow.add(button)
            button.get_parent().set_can_focus(False)  # the button is the stop
        self._part.set_text(_("Choose a part, then paint with P"))
        self._flow.show_all()

    def _chosen(self, part: PartToLabel) -> None:
        self._part.set_text(part_name(part.name))
        self._take(part)


def _swatch(color: tuple[int, int, int]) -> GdkPixbuf.Pixbuf:
    red, green, blue = color
    made = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, _SWATCH, _SWATCH)
    made.fill((red << 24) | (green << 16) | (blue << 8) | 0xFF)
    return made
