"""The buttons below the library's pictures: mark, rename, delete and undo, export, import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import gi

from windows import edit_files

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk

from link.background import Background
from link.errors import PlugInError
from link.session import expect
from link.texts import _
from protocol.messages import (
    Deleted,
    DeleteEdit,
    EditInfo,
    Exported,
    ExportEdit,
    Imported,
    ImportEdit,
    RenameEdit,
    RestoreEdit,
    Saved,
    SetFavourite,
)
from windows.edit_grid import EditGrid
from windows.name_question import ask_for_name
from windows.news_bar import NewsBar


class LibraryActions:
    """Works on the edit that `grid` has selected; calls reload(name) when the library changed."""

    def __init__(
        self,
        bundle: str,
        background: Background,
        grid: EditGrid,
        news: NewsBar,
        reload: Callable[[str], None],
    ) -> None:
        self._bundle, self._grid, self._news, self._reload = bundle, grid, news, reload
        self._background = background
        self.widget = Gtk.Box(spacing=6)
        self._button(
            _("_Add"), _("Add to the stack (Return, + or double-click)"), grid.add_selected
        )
        self._star = self._button(_("_Favourite"), _("Mark or unmark it (★)"), self.favourite)
        self._rename = self._button(_("Re_name..."), _("Give it another name (F2)"), self.rename)
        self._delete = self._button(
            _("_Delete"), _("Move it to the library's trash (Delete)"), self.delete
        )
        self._export = self._button(
            _("E_xport..."), _("Write it to a file for somebody else"), self.export
        )
        self._button(
            _("_Import..."), _("Add edits from files; or drop them on this window"), self.open_files
        )

    def focus(self) -> None:
        """Give the keyboard to the first button."""
        self.widget.child_focus(Gtk.DirectionType.TAB_FORWARD)

    def select(self, edit: EditInfo | None) -> None:
        own = edit is not None and edit.source == "user"
        for button in (self._star, self._export):
            button.set_sensitive(edit is not None)
        for button in (self._rename, self._delete):
            button.set_sensitive(own)

    def favourite(self) -> None:
        if edit := self._grid.selected:
            message = SetFavourite(self._bundle, edit.name, not edit.favourite)
            self._background.ask(message, lambda _saved: self._reload(edit.name))

    def rename(self) -> None:
        if (edit := self._own()) is None:
            return
        title = ask_for_name(self._window(), edit.title)
        if title and title != edit.title:
            message = RenameEdit(self._bundle, edit.name, title)
            self._background.ask(message, lambda answer: self._reload(expect(Saved, answer).name))

    def delete(self) -> None:
        if edit := self._own():
            message = DeleteEdit(self._bundle, edit.name)
            self._background.ask(
                message, lambda answer: self._deleted(edit, expect(Deleted, answer))
            )

    def export(self) -> None:
        if (edit := self._grid.selected) is None:
            return
        if path := edit_files.ask_to_save(self._window(), f"{edit.name}{edit_files.SUFFIX}"):
            message = ExportEdit(self._bundle, edit.name)
            self._background.ask(
                message, lambda answer: self._exported(path, expect(Exported, answer))
            )

    def open_files(self) -> None:
        self.import_files(edit_files.ask_to_open(self._window()))

    def import_files(self, files: Sequence[Path]) -> None:
        for file in files:
            try:
                message = ImportEdit(file.name, edit_files.read(file))
            except PlugInError as error:
                self._news.say(str(error), problem=True)
            else:
                self._background.ask(
                    message, lambda answer: self._imported(expect(Imported, answer))
                )

    def _deleted(self, edit: EditInfo, answer: Deleted) -> None:
        self._reload("")

        def undo() -> None:
            message = RestoreEdit(self._bundle, answer.trash)
            self._background.ask(message, lambda saved: self._reload(expect(Saved, saved).name))

        text = _("“{title}” was deleted.").format(title=edit.title)
        self._news.say(text, button=_("_Undo"), action=undo)

    def _exported(self, path: Path, answer: Exported) -> None:
        try:
            edit_files.write(path, answer.data)
        except PlugInError as error:
            self._news.say(str(error), problem=True)
        else:
            self._news.say(_("Written to {path}").format(path=path))

    def _imported(self, answer: Imported) -> None:
        if answer.bundle == self._bundle:
            self._reload(answer.name)
            text = _("“{name}” was added to the library.")
        else:
            text = _("“{name}” was added, but it needs the model “{bundle}”.")
        self._news.say(text.format(name=answer.name, bundle=answer.bundle))

    def _own(self) -> EditInfo | None:
        edit = self._grid.selected
        if edit is not None and edit.source == "preset":
            self._news.say(_("Presets cannot be changed: export one and import it as your own."))
            return None
        return edit

    def _window(self) -> Gtk.Window:
        return self.widget.get_toplevel()

    def _button(self, label: str, tip: str, work: Callable[[], None]) -> Gtk.Button:
        button = Gtk.Button.new_with_mnemonic(label)
        button.set_tooltip_text(tip)
        button.connect("clicked", lambda _button: work())
        self.widget.pack_start(button, False, False, 0)
        return button
