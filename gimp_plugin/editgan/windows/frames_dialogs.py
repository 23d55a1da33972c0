"""Faces of one person from several open images, to choose from: Best Take, and the same edits in
all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, Gtk, Pango

from commands import best_take
from commands.best_take import FACE, Takes
from commands.people import CLOSE
from commands.series import FaceInImage
from image import thumbnail
from link.errors import CommandCancelled
from link.part_names import part_name
from link.texts import _
from windows import dialogs
from windows.picture import pixbuf

T = TypeVar("T")
_SIDE = 112  # px, of a face
_SCREEN = (560, 420)  # px, of the list at most
_COLUMNS = 4
_WIDE = 14  # characters of an image's name


class BestTakeDialog:
    """A row for each person: this photo's face, and the same person's from the other frames."""

    def __init__(self, takes: Takes, groups: Sequence[str], what: str) -> None:
        """groups: names of the groups of parts that can be taken; what: the one to begin with."""
        self._takes = takes
        self._rows = [
            _radios([mine, *others]) for mine, others in zip(takes.mine, takes.frames, strict=True)
        ]
        self._what = Gtk.ComboBoxText(hexpand=True)
        self._what.append(FACE, _("The whole expression"))
        for name in groups:
            self._what.append(name, part_name(name))
        if not self._what.set_active_id(what):
            self._what.set_active_id(FACE)
        self._suggest()

    def run(self) -> tuple[list[FaceInImage | None], str]:
        """For each person the face that was chosen, None for this photo's; and what to take."""
        dialog = GimpUi.Dialog(title=_("Best Take"), role="editgan-best-take")
        suggest = Gtk.Button.new_with_mnemonic(_("_Suggest"))
        suggest.set_tooltip_text(_("Open eyes and smiles, for everybody"))
        suggest.connect("clicked", lambda _button: self._suggest())
        head = Gtk.Box(spacing=6)
        head.pack_start(dialogs.row(_("_What to take"), self._what), True, True, 0)
        head.pack_start(suggest, False, False, 0)
        grid = Gtk.Grid(row_spacing=6, column_spacing=6, margin=6)
        for number, buttons in enumerate(self._rows):
            label = Gtk.Label(label=_("Face {number}").format(number=number + 1), margin_end=6)
            grid.attach(label, 0, number, 1, 1)
            for column, button in enumerate(buttons):
                grid.attach(button, 1 + column, number, 1, 1)
        note = _("The first face of each row is this photo's; a star marks open eyes and smiles.")
        _fill(dialog, [head, _scrolled(grid), dialogs.hint(note)], _("_Take These"))
        self._rows[0][0].grab_focus()
        return _answered(dialog, self._takes.mine[0].image, self._all_chosen)

    def _all_chosen(self) -> tuple[list[FaceInImage | None], str]:
        return [self._chosen(place) for place in range(len(self._rows))], self._what.get_active_id()

    def _suggest(self) -> None:
        what = self._what.get_active_id()
        suggested = self._takes.suggested(what)
        for buttons, others, face in zip(self._rows, self._takes.frames, suggested, strict=True):
            best = 0 if face is None else 1 + others.index(face)
            buttons[best].set_active(True)
            for place, button in enumerate(buttons):
                button.set_star(place == best)

    def _chosen(self, place: int) -> FaceInImage | None:
        active = next(n for n, button in enumerate(self._rows[place]) if button.get_active())
        return self._takes.frames[place][active - 1] if active else None


def ask_which(image: Gimp.Image, faces: Sequence[FaceInImage]) -> list[FaceInImage]:
    """Those that shall have the same edits as somebody in the image. Raises CommandCancelled."""
    dialog = GimpUi.Dialog(title=_("Same Edits in All Open Images"), role="editgan-everywhere")
    boxes = [_Check(face) for face in faces]
    grid = Gtk.Grid(row_spacing=6, column_spacing=12, margin=6)
    for place, box in enumerate(boxes):
        grid.attach(box, place % _COLUMNS, place // _COLUMNS, 1, 1)

    def count(*_event: object) -> None:
        dialog.set_response_sensitive(Gtk.ResponseType.OK, any(box.get_active() for box in boxes))

    for box in boxes:
        box.connect("toggled", count)
    note = _("The same person in the other open images. Untick whom you want to leave alone.")
    _fill(dialog, [dialogs.hint(note), _scrolled(grid)], _("_Apply to These"))
    boxes[0].grab_focus()
    pairs = list(zip(faces, boxes, strict=True))
    return _answered(dialog, image, lambda: [face for face, box in pairs if box.get_active()])


class _Radio(Gtk.RadioButton):
    """A face to click; of one row exactly one is chosen."""

    def __init__(self, face: FaceInImage, first: _Radio | None) -> None:
        super().__init__(group=first, draw_indicator=False)
        self._star = Gtk.Label(halign=Gtk.Align.END, valign=Gtk.Align.START, margin=3)
        self.add(_portrait(face, self._star))
        self.set_tooltip_text(_about(face))
        self.get_accessible().set_name(face.image_name)

    def set_star(self, on: bool) -> None:
        mark = '<span foreground="#ffd24a" size="large">★</span>'
        self._star.set_markup(mark if on else "")


class _Check(Gtk.CheckButton):
    """A face with a box to tick."""

    def __init__(self, face: FaceInImage) -> None:
        super().__init__(active=True)
        self.add(_portrait(face))
        self.set_tooltip_text(face.image_name)
        self.get_accessible().set_name(face.image_name)


def _radios(faces: Sequence[FaceInImage]) -> list[_Radio]:
    buttons: list[_Radio] = []
    for face in faces:
        buttons.append(_Radio(face, buttons[0] if buttons else None))
    return buttons


def _portrait(face: FaceInImage, over: Gtk.Widget | None = None) -> Gtk.Widget:
    seen = pixbuf(thumbnail.close_up(face.photo.layer, face.quad, CLOSE, _SIDE))
    picture = Gtk.Overlay()
    picture.add(Gtk.Image.new_from_pixbuf(seen))
    if over is not None:
        picture.add_overlay(over)
    name = Gtk.Label(label=face.image_name, max_width_chars=_WIDE)
    name.set_ellipsize(Pango.EllipsizeMode.MIDDLE)
    box = Gtk.Grid(row_spacing=2)
    box.attach(picture, 0, 0, 1, 1)
    box.attach(name, 0, 1, 1, 1)
    return box


def _about(face: FaceInImage) -> str:
    eyes, smile = (round(100 * best_take.mark(face, what)) for what in ("eyes", "mouth"))
    return _("{image}: eyes {eyes} % open, smile {smile} %").format(
        image=face.image_name, eyes=eyes, smile=smile
    )


def _scrolled(inside: Gtk.Widget) -> Gtk.Widget:
    scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, can_focus=False, vexpand=True)
    scrolled.set_propagate_natural_width(True)
    scrolled.set_propagate_natural_height(True)
    scrolled.set_max_content_width(_SCREEN[0])
    scrolled.set_max_content_height(_SCREEN[1])
    scrolled.add(inside)
    return scrolled


def _fill(dialog: Gtk.Dialog, widgets: Sequence[Gtk.Widget], ok: str) -> None:
    dialogs.button(dialog, _("_Cancel"), Gtk.ResponseType.CANCEL)
    dialogs.button(dialog, ok, Gtk.ResponseType.OK)
    dialog.set_default_response(Gtk.ResponseType.OK)
    body = Gtk.Grid(orientation=Gtk.Orientation.VERTICAL, row_spacing=6, border_width=12)
    for widget in widgets:
        body.add(widget)
    dialog.get_content_area().add(body)
    GimpUi.window_set_transient(dialog)
    dialog.show_all()


def _answered(dialog: Gtk.Dialog, image: Gimp.Image, read: Callable[[], T]) -> T:
    """What was chosen. Raises CommandCancelled, also when the image is closed."""
    accepted = dialogs.run(dialog, image) == Gtk.ResponseType.OK
    chosen = read()  # before the widgets go
    dialog.destroy()
    if not accepted:
        raise CommandCancelled
    return chosen
