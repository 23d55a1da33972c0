"""The dialog of Edit Library: every edit as it looks on this photo, and a stack with sliders."""

from __future__ import annotations

from dataclasses import replace

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, GimpUi, Gtk

from commands import apply, embedding, stack_result
from image import part_layers, sending, state
from image.canvas_preview import CanvasPreview
from image.stacks import Stack, entry_of
from image.unsaved import Unsaved
from link.backend_texts import in_users_language
from link.background import Background
from link.errors import CommandCancelled, PlugInError
from link.session import Session, expect
from link.texts import _
from protocol.messages import (
    Apply,
    EditContent,
    Edited,
    EditInfo,
    EditRef,
    Edits,
    EditThumbnails,
    GetEdit,
    ListEdits,
    Message,
    PreviewEdits,
    PreviewStack,
    StackPreview,
)
from windows import dialogs, edit_files
from windows.before_after import SIDE, BeforeAfter
from windows.edit_grid import PICTURE, EditGrid
from windows.edited_subject import EditedSubject
from windows.faces_seen import beside_faces
from windows.library_actions import LibraryActions
from windows.news_bar import NewsBar
from windows.stack_sliders import StackSliders
from windows.views import LabelView

REFINEMENTS = ((0, _("None (fastest)")), (10, _("Some")), (30, _("Thorough")))
_AT_ONCE = 8  # thumbnails in one request: a preview need not wait for all of them
_ADDING = "adding"  # a slot of requests
_LOST = ("backend_lost", "backend_missing", "unknown_photo")


class LibraryDialog:
    """What it shows is asked of the session; the photo is sent if the backend lacks it."""

    def __init__(self, session: Session, about: EditedSubject) -> None:
        GimpUi.init(dialogs.ROLE)
        self._about = about
        found = about.found
        about.base_on(found.stack)
        over = part_layers.find_group(about.photo.image, about.subject.number)
        self._canvas = CanvasPreview(about.photo, found.layer, (*found.former, over))
        self._image, self._unsaved = about.photo.image, Unsaved(about.photo.image)
        self._background = Background(session.connection, self._failed, self._image.is_valid)
        self._own_session: Session | None = None  # after the first was lost
        self._news = NewsBar()
        self._grid = EditGrid(self._add, lambda edit: self._actions.select(edit))
        bundle = about.subject.bundle
        self._actions = LibraryActions(
            bundle, self._background, self._grid, self._news, self._reload
        )
        self._picture = BeforeAfter()
        self._sliders = StackSliders(found.stack, self._changed)
        self._on_canvas = Gtk.CheckButton.new_with_mnemonic(_("Preview on the can_vas"))
        self._on_canvas.set_tooltip_text(_("Show the stack in the image too, at its full size"))
        self._on_canvas.connect("toggled", self._canvas_toggled)
        self._body = Gtk.Grid(column_spacing=dialogs.SPACING, border_width=dialogs.SPACING)
        self._dialog = self._window()
        self._open(session)

    def _open(self, session: Session) -> None:
        """Show the photo, the library and the stack."""
        about = self._about
        answer, about.subject = sending.about_photo(
            session,
            about.photo,
            about.subject,
            lambda name: PreviewStack(photo=name, edits=[], side=SIDE),
        )
        self._background.reconnect(session.connection)
        self._picture.show_before(expect(StackPreview, answer).pixels)
        self._fill(expect(Edits, session.request(ListEdits(about.subject.bundle))).edits, "")
        self._changed()

    def run(self) -> Stack:
        """The stack that the user wants. Raises CommandCancelled; the image is as it was then."""
        place = beside_faces(self._dialog, "window-library", self._image)
        GimpUi.window_set_transient(self._dialog)
        self._dialog.show_all()
        self._grid.search.grab_focus()
        try:
            response = dialogs.run(self._dialog, self._image)
            while response == Gtk.ResponseType.OK and self._is_awaited(_ADDING):
                Gtk.main_iteration()  # what was added last is still to come
        finally:
            self._background.close()
            self._canvas.clear()
            self._unsaved.follow([])
            place.close()
            self._dialog.destroy()
            if self._own_session:
                self._own_session.connection.close()
        if response != Gtk.ResponseType.OK:
            raise CommandCancelled
        return self._sliders.stack

    def _is_awaited(self, slot: str) -> bool:
        """Whether answers are still to come; none does once the image is closed."""
        return self._image.is_valid() and self._background.busy(slot)

    # --- what the user does ---

    def _add(self, edit: EditInfo) -> None:
        """Put it on the stack; where it is already, go to its slider."""
        if self._sliders.focus(edit.name):
            return

        def add(answer: Message) -> None:
            content = expect(EditContent, answer)
            try:
                apply.check_model(content, self._about.subject)
            except PlugInError as error:
                self._news.say(str(error), problem=True)
            else:
                self._sliders.add(entry_of(content))

        self._background.ask(GetEdit(self._about.subject.bundle, edit.name), add, _ADDING)

    def _changed(self) -> None:
        """The stack is another one: show it."""
        self._unsaved.follow([s] if (s := self._sliders.stack) != self._about.found.stack else [])
        if self._about.base_on(self._sliders.stack):
            self._open_changed()
            return
        photo, refs = self._about.subject.photo, self._sliders.stack.refs()
        self._background.latest(
            "dialog",
            PreviewStack(photo, refs, SIDE),
            lambda answer: self._picture.show_after(expect(StackPreview, answer).pixels),
        )
        if not self._on_canvas.get_active():
            return
        if refs:
            self._background.latest("canvas", Apply(photo, refs), self._show_on_canvas)
        elif shown := stack_result.picture(self._about.photo, None):
            self._canvas.show(shown)
        else:
            self._canvas.clear()

    def _open_changed(self) -> None:
        """Let the backend have the photo with other borrowed pixels; then show the stack."""
        about = self._about
        wish = embedding.Wish(about.subject.bundle, about.subject.level)
        subject = about.subject
        known = embedding.opening(about.photo, subject.quad, subject.rect, wish, subject)
        message = sending.named(about.photo, known)

        def opened(_answer: Message) -> None:
            about.subject = state.renamed(about.subject, message.photo)
            self._changed()

        self._background.latest("open", message, opened)

    def _show_on_canvas(self, answer: Message) -> None:
        if self._on_canvas.get_active() and self._sliders.stack.entries:
            shown = stack_result.picture(self._about.photo, expect(Edited, answer))
            if shown is not None:
                self._canvas.show(shown)

    def _canvas_toggled(self, button: Gtk.CheckButton) -> None:
        if button.get_active():
            self._changed()
        else:
            self._canvas.clear()

    # --- the library ---

    def _reload(self, select: str) -> None:
        """Read the library anew."""
        self._background.ask(
            ListEdits(self._about.subject.bundle),
            lambda answer: self._fill(expect(Edits, answer).edits, select),
        )

    def _fill(self, edits: list[EditInfo], select: str) -> None:
        edits = [in_users_language(edit) for edit in edits]
        self._grid.fill(edits, select)
        if not edits:
            self._news.say(_("The library has no edits for this model yet: save one first."))
        for first in range(0, len(edits), _AT_ONCE):
            self._look_at(edits[first : first + _AT_ONCE])

    def _look_at(self, edits: list[EditInfo]) -> None:
        def show(answer: Message) -> None:
            for edit, look in zip(edits, expect(EditThumbnails, answer).thumbnails, strict=True):
                self._grid.show(edit.name, look)

        refs = [EditRef(name=edit.name, scale=edit.default) for edit in edits]
        self._background.ask(PreviewEdits(self._about.subject.photo, refs, PICTURE), show)

    def _failed(self, error: PlugInError) -> None:
        """Nothing is lost: the stack stays in the dialog."""
        if error.code in _LOST:
            self._news.say(
                str(error), problem=True, button=_("Connect A_gain"), action=self._connect_again
            )
        else:
            self._news.say(str(error), problem=True)

    def _connect_again(self) -> None:
        self._body.set_sensitive(False)  # what was asked meanwhile would be lost
        try:
            self._own_session = Session(LabelView(self._news.say))
            self._open(self._own_session)
            self._news.hide()
        except PlugInError as error:
            self._failed(error)
        finally:
            self._body.set_sensitive(True)

    # --- the window ---

    def _window(self) -> GimpUi.Dialog:
        dialog = GimpUi.Dialog(title=_("Edit Library"), role="editgan-library")
        dialogs.button(dialog, _("_Cancel"), Gtk.ResponseType.CANCEL)
        ok = dialogs.button(dialog, _("_OK"), Gtk.ResponseType.OK)
        ok.set_tooltip_text(_("Write the stack as one layer; it can be changed again later"))
        dialog.set_default_response(Gtk.ResponseType.OK)
        dialog.connect("key-press-event", self._key)
        self._grid.search.connect("stop-search", self._stop_search)
        edit_files.accept_drops(dialog, self._actions.import_files)
        self._body.attach(self._left(), 0, 0, 1, 1)
        self._body.attach(self._right(), 1, 0, 1, 1)
        dialog.get_content_area().add(self._news.widget)
        dialog.get_content_area().pack_start(self._body, True, True, 0)
        return dialog

    def _left(self) -> Gtk.Widget:
        side = Gtk.Grid(row_spacing=6)
        side.attach(self._grid.widget, 0, 0, 1, 1)
        side.attach(self._actions.widget, 0, 1, 1, 1)
        subject = self._about.subject
        footer = _("Model: {model}. Licence: {licence}").format(
            model=subject.bundle, licence=self._about.licence or _("not known")
        )
        side.attach(dialogs.hint(footer), 0, 2, 1, 1)
        return side

    def _right(self) -> Gtk.Widget:
        side = Gtk.Grid(row_spacing=6, column_spacing=dialogs.SPACING)
        reset = Gtk.Button.new_with_mnemonic(_("R_eset"))
        reset.set_tooltip_text(_("Clear the stack"))
        reset.connect("clicked", lambda _button: self._sliders.reset())
        side.attach(self._picture.widget, 0, 0, 3, 1)
        for column, widget in enumerate((self._picture.button, self._on_canvas, reset)):
            side.attach(widget, column, 1, 1, 1)
        side.attach(self._sliders.widget, 0, 2, 3, 1)
        side.attach(self._refinement(), 0, 3, 3, 1)
        return side

    def _refinement(self) -> Gtk.Widget:
        combo = Gtk.ComboBoxText(hexpand=True)
        for steps, text in REFINEMENTS:
            combo.append(str(steps), text)
        if not combo.set_active_id(str(self._sliders.stack.refine)):
            of_script = str(self._sliders.stack.refine)
            combo.append(of_script, _("{steps} steps").format(steps=of_script))
            combo.set_active_id(of_script)
        combo.set_tooltip_text(_("Extra steps after OK that remove artifacts; takes seconds"))
        combo.connect("changed", self._refine)
        return dialogs.row(_("_Refinement"), combo)

    def _refine(self, combo: Gtk.ComboBoxText) -> None:
        refine = int(combo.get_active_id())
        self._sliders.stack = replace(self._sliders.stack, refine=refine)

    def _stop_search(self, search: Gtk.SearchEntry) -> None:
        """Escape, which a search box keeps from the dialog: first out of the search."""
        if search.get_text():
            search.set_text("")
        else:
            self._dialog.response(Gtk.ResponseType.CANCEL)

    def _key(self, _dialog: Gtk.Dialog, event: Gdk.EventKey) -> bool:
        if event.keyval == Gdk.KEY_f and event.state & Gdk.ModifierType.CONTROL_MASK:
            self._grid.search.grab_focus()
            return Gdk.EVENT_STOP
        if self._grid.has_focus():
            work = {
                Gdk.KEY_F2: self._actions.rename,
                Gdk.KEY_Delete: self._actions.delete,
                # past the other pictures, to which the arrows go
                Gdk.KEY_Tab: self._actions.focus,
                Gdk.KEY_ISO_Left_Tab: self._grid.focus_filters,
            }
            if event.keyval in work:
                work[event.keyval]()
                return Gdk.EVENT_STOP
        return Gdk.EVENT_PROPAGATE
