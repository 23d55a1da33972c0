"""The dialog of Save as Edit: name, parts, other images to learn from, and how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gi

from windows import dialogs

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, Gtk

from commands import save_edit
from commands.save_edit import Source
from image import photos, sending, state
from link.background import Background
from link.errors import CommandCancelled, PlugInError
from link.part_names import part_name
from link.session import Session, expect
from link.texts import _
from protocol.messages import PreviewStack, StackPreview
from windows.before_after import BeforeAfter
from windows.news_bar import NewsBar

SIDE = 224  # px of each picture


class SaveDialog:
    """`run` writes what was chosen into the config."""

    def __init__(
        self,
        session: Session,
        photo: photos.PhotoLayer,
        subject: state.SubjectRecord,
        edit: state.EditRecord,
        sources: Sequence[Source],
    ) -> None:
        GimpUi.init(dialogs.ROLE)
        self._edit, self._sources = edit, sources
        self._image = photo.image
        self._background = Background(session.connection, self._failed, photo.image.is_valid)
        self._news = NewsBar()
        self._before, self._after = BeforeAfter(SIDE), BeforeAfter(SIDE)
        self._name = Gtk.Entry(activates_default=True, hexpand=True, max_length=120)
        self._description = Gtk.Entry(activates_default=True, max_length=2000)
        known = save_edit.all_parts(self._learnt(sources))
        self._parts = {
            part: self._check(part_name(part), True, _("Allow the edit to change this part"))
            for part in known
        }
        tip = _("Edits learned from several photos transfer better")
        self._images = {source.key: self._check(source.label, False, tip) for source in sources}
        self._dialog = self._window()
        answer, subject = sending.about_photo(
            session, photo, subject, lambda name: PreviewStack(photo=name, edits=[], side=SIDE)
        )
        self._photo = subject.photo
        self._before.show_before(expect(StackPreview, answer).pixels)
        self._after.show_before(expect(StackPreview, answer).pixels)
        self._changed()

    def run(self, config: Any) -> None:
        """Raises CommandCancelled."""
        GimpUi.window_set_transient(self._dialog)
        self._dialog.show_all()
        self._name.grab_focus()
        accepted = dialogs.run(self._dialog, self._image) == Gtk.ResponseType.OK
        self._background.close()
        config.set_property("name", self._name.get_text().strip())
        config.set_property("description", self._description.get_text().strip())
        config.set_property("parts", ", ".join(self._ticked(self._parts)))
        config.set_property("images", ", ".join(self._ticked(self._images)))
        self._dialog.destroy()
        if not accepted:
            raise CommandCancelled

    def _changed(self) -> None:
        """Only parts that were learnt from what is ticked can be chosen; show what comes of it."""
        chosen = self._ticked(self._images)
        learnt = self._learnt([source for source in self._sources if source.key in chosen])
        known = save_edit.all_parts(learnt)
        for part, button in self._parts.items():
            button.set_sensitive(part in known)
        parts = tuple(part for part in known if self._parts[part].get_active())
        named = bool(self._name.get_text().strip())
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, named and bool(parts))
        if parts:
            self._background.latest(
                "preview",
                PreviewStack(self._photo, save_edit.refs(learnt, parts), SIDE),
                lambda answer: self._after.show_after(expect(StackPreview, answer).pixels),
            )

    def _learnt(self, sources: Sequence[Source]) -> list[state.EditRecord]:
        return [self._edit, *(source.edit for source in sources)]

    def _ticked(self, buttons: dict[str, Gtk.CheckButton]) -> list[str]:
        return [key for key, b in buttons.items() if b.get_active() and b.get_sensitive()]

    def _failed(self, error: PlugInError) -> None:
        self._news.say(str(error), problem=True)

    def _check(self, label: str, active: bool, tip: str) -> Gtk.CheckButton:
        button = Gtk.CheckButton(label=label, active=active, tooltip_text=tip)
        button.connect("toggled", lambda _button: self._changed())
        return button

    def _window(self) -> GimpUi.Dialog:
        dialog = GimpUi.Dialog(title=_("Save as Edit"), role="editgan-save")
        dialogs.button(dialog, _("_Cancel"), Gtk.ResponseType.CANCEL)
        dialogs.button(dialog, _("Sa_ve"), Gtk.ResponseType.OK)
        dialog.set_default_response(Gtk.ResponseType.OK)
        dialog.set_response_sensitive(Gtk.ResponseType.OK, False)
        self._name.connect("changed", lambda _entry: self._changed())
        grid = Gtk.Grid(row_spacing=6, column_spacing=dialogs.SPACING, border_width=12)
        for column, (title, picture) in enumerate(
            ((_("Before"), self._before), (_("After"), self._after))
        ):
            grid.attach(picture.widget, column, 0, 1, 1)
            grid.attach(Gtk.Label(label=title), column, 1, 1, 1)
        rows = [
            dialogs.row(_("_Name"), self._name),
            dialogs.row(_("_Description"), self._description),
            self._list(_("Parts it may change"), list(self._parts.values()), 4),
        ]
        if self._images:
            rows.append(self._list(_("Also learn from"), list(self._images.values()), 1))
        else:
            rows.append(
                dialogs.hint(
                    _(
                        "Edits learned from several photos transfer better: repaint the same in "
                        "other images and leave them open."
                    )
                )
            )
        for number, row in enumerate(rows, 2):
            grid.attach(row, 0, number, 2, 1)
        dialog.get_content_area().add(self._news.widget)
        dialog.get_content_area().add(grid)
        return dialog

    def _list(self, title: str, buttons: list[Gtk.CheckButton], columns: int) -> Gtk.Widget:
        grid = Gtk.Grid(row_spacing=3, column_spacing=dialogs.SPACING)
        grid.attach(Gtk.Label(label=title, xalign=0.0), 0, 0, columns, 1)
        for number, button in enumerate(buttons):
            grid.attach(button, number % columns, 1 + number // columns, 1, 1)
        return grid
