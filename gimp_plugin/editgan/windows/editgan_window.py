"""The EditGAN window: the people, presets on the chosen face, and the canvas as the preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gimp, GimpUi, GLib, Gtk, Pango

from commands.people import CLOSE, PersonInPhoto
from image import names, photos
from image.stacks import Stack
from link.backend_texts import backend_text
from link.report import Report
from link.texts import _
from protocol.messages import BundleInfo, Pixels
from windows import dialogs, one_window
from windows.closing import ask_whether_to_keep
from windows.faces_seen import faces_of, on_canvas
from windows.model_question import ask_for_model
from windows.more_menu import MoreMenu, Run
from windows.news_bar import NewsBar
from windows.painting import Painting
from windows.people_column import FACE, PeopleColumn, Row, row_names
from windows.place import Place
from windows.polling import every
from windows.presets import Presets
from windows.stack_sliders import StackSliders
from windows.workbench import Workbench

SIZE = (500, 640)  # px, at first
CALLED_MS = 300


class EditGanWindow:
    """Not modal: GIMP stays usable. `run` until it is closed, or its image is."""

    def __init__(
        self,
        photo: photos.PhotoLayer,
        drawables: Sequence[Gimp.Drawable],
        commands: Mapping[str, Run],
    ) -> None:
        """commands: what the menu More runs, by their procedures' names."""
        GimpUi.init(dialogs.ROLE)
        self._photo = photo
        self._loop = GLib.MainLoop()
        self._news = NewsBar()
        self._bench = Workbench(photo, drawables, self)
        self._column = PeopleColumn(self._bench.choose)
        self._presets = Presets(self._bench)
        self._painting = Painting(self._bench)
        self._stack = StackSliders(
            Stack("", ""), self._restacked, _("Move a slider above, or paint."), compact=True
        )
        self._status = Gtk.Label(xalign=0.0, hexpand=True, ellipsize=Pango.EllipsizeMode.END)
        self._status.get_style_context().add_class("dim-label")
        self._before = self._before_button()
        self._more = MoreMenu(photo.image, commands, self)
        self._keep = self._button(
            _("_Keep"), _("Put what the canvas shows into the image, as one undo step"), self._kept
        )
        self._keep.get_style_context().add_class("suggested-action")
        self._window = self._made()
        self._place = Place(self._window, "window", SIZE)

    def run(self) -> Report:
        """What goes wrong is told in the window. Returns how many faces it saw and kept."""
        self._place.put(self._photo.image, faces_of(self._photo))
        GimpUi.window_set_transient(self._window)
        self._window.show_all()
        self._show_keepable()
        self._bench.start()
        if self._place.lock is not None:
            one_window.mark(self._photo.image, self._place.lock)
        called = every(CALLED_MS, self._come_if_called)
        try:
            self._loop.run()
        finally:
            GLib.source_remove(called)
            one_window.unmark(self._photo.image)
            self._painting.close()
            self._bench.close()
            self._window.destroy()
        return {"people": len(self._bench.people), "kept": self._bench.faces_kept}

    # --- what the workbench tells ---

    def say(self, text: str) -> None:
        self._status.set_text(text)
        self._status.set_tooltip_text(text or None)

    def warn(self, text: str, button: str = "", action: Callable[[], None] | None = None) -> None:
        self._news.say(text, problem=True, button=button, action=action)

    def lost(self, text: str) -> None:
        self._news.warn_if_quiet(text)

    def found(self, text: str) -> None:
        self._news.take_back(text)

    def ask_model(self, models: Sequence[BundleInfo], chosen: str) -> str:
        return ask_for_model(self._window, models, chosen)

    def show_people(self, people: Sequence[PersonInPhoto], chosen: int) -> None:
        self._column.fill(row_names(len(people), self._bench.domain))
        for person in people:
            self.show_face(person, None)
            self.show_person(person, False)
        self._column.choose(chosen)
        seen = [person for person in people if not person.offered]
        seen.sort(key=lambda person: person is not people[chosen])
        faces = [on_canvas(self._photo, person.quad) for person in seen]
        self._place.make_way(self._photo.image, faces)

    def show_person(self, person: PersonInPhoto, busy: bool) -> None:
        row = self._row(person)
        if person is self._bench.person:
            self._painting.bar.widget.set_sensitive(not busy)  # chips are of another face yet
        if busy:
            row.show_busy(True)
        elif person.is_open and person.subject:
            report = person.subject.report
            verdict = backend_text(report.verdict)
            row.show_busy(False)
            row.show_quality(report.quality, verdict)
        else:
            row.show_busy(False)
            row.show_offer(person.offered)

    def show_face(self, person: PersonInPhoto, pixels: Pixels | None) -> None:
        if pixels is not None:
            self._row(person).show_face(pixels, CLOSE)
        else:
            self._row(person).show_face(person.face(FACE))

    def show_stack(self, person: PersonInPhoto) -> None:
        if person is self._bench.person:
            self._presets.follow(person)
            if person.stack is not None:
                self._stack.show(person.stack)
        self._show_keepable()

    def opened(self, person: PersonInPhoto) -> None:
        self._presets.show(person)
        self._painting.show(person)

    def image_closed(self) -> None:
        self._end()

    # --- what the menu More does ---

    def settle(self, then: Callable[[], None]) -> None:
        self._bench.settle(then)

    def remember_person(self) -> int | None:
        return self._bench.remember_person()

    def command_done(self) -> None:
        if self._photo.image.is_valid():
            self._presets.reload()

    # --- the window ---

    def _made(self) -> Gtk.Window:
        title = _("EditGAN: {image}").format(image=names.short(self._photo.image))
        window = Gtk.Window(title=title, role="editgan-window", border_width=dialogs.SPACING)
        window.set_type_hint(Gdk.WindowTypeHint.UTILITY)
        window.connect("delete-event", self._closed)
        window.connect("key-press-event", self._key)
        window.connect("key-release-event", self._key_released)
        middle = Gtk.Grid(row_spacing=6)
        middle.attach(self._presets.grid.search, 0, 0, 1, 1)
        middle.attach(self._presets.grid.widget, 0, 1, 1, 1)
        middle.attach(self._painting.bar.widget, 0, 2, 1, 1)
        middle.attach(self._stack.widget, 0, 3, 1, 1)
        body = Gtk.Grid(row_spacing=6, column_spacing=dialogs.SPACING)
        body.attach(self._news.widget, 0, 0, 2, 1)
        body.attach(self._column.widget, 0, 1, 1, 1)
        body.attach(middle, 1, 1, 1, 1)
        body.attach(self._status, 0, 2, 2, 1)
        body.attach(self._more.bar, 0, 3, 2, 1)
        body.attach(self._bar(), 0, 4, 2, 1)
        window.add(body)
        return window

    def _bar(self) -> Gtk.Widget:
        close = self._button(
            _("_Close"), _("Close this window; asks about what is not kept"), self._close
        )
        bar = Gtk.Box(spacing=6)
        bar.pack_start(self._before, False, False, 0)
        bar.pack_start(self._more.widget, False, False, 0)
        bar.pack_end(self._keep, False, False, 0)
        bar.pack_end(close, False, False, 0)
        return bar

    def _before_button(self) -> Gtk.Button:
        button = Gtk.Button.new_with_mnemonic(_("_Before"))
        tip = _("Press and hold, or hold F9, to see the photo without this window's work")
        button.set_tooltip_text(tip)
        button.add_events(Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON_RELEASE_MASK)
        for signal, before in (("button-press-event", True), ("button-release-event", False)):
            button.connect(signal, lambda _b, _event, held: self._hold(held), before)
        for signal, before in (("key-press-event", True), ("key-release-event", False)):
            button.connect(signal, self._hold_by_key, before)
        button.connect("focus-out-event", lambda *_event: self._hold(False))
        return button

    def _button(self, label: str, tip: str, work: Callable[[], None]) -> Gtk.Button:
        button = Gtk.Button.new_with_mnemonic(label)
        button.set_tooltip_text(tip)
        button.connect("clicked", lambda _button: work())
        return button

    def _row(self, person: PersonInPhoto) -> Row:
        return self._column.rows[self._bench.people.index(person)]

    def _show_keepable(self) -> None:
        self._keep.set_sensitive(bool(self._bench.changed))

    # --- what the user does ---

    def _restacked(self) -> None:
        self._bench.set_stack(self._stack.stack)

    def _kept(self) -> None:
        self._bench.keep()

    def _close(self) -> None:
        """Ask about what is not kept; keeping waits for the canvas."""
        if self._bench.changed and self._photo.image.is_valid():
            answer = ask_whether_to_keep(self._window, len(self._bench.changed))
            if answer is None:
                return
            if answer:
                self._bench.keep(then=self._end)
                return
        self._end()

    def _end(self) -> None:
        """At once for the eye: a window that was opened from the menu may still be there."""
        self._place.close()
        self._more.stop()
        self._window.hide()
        self._bench.discard()
        self._loop.quit()

    def _come_if_called(self) -> None:
        """Somebody has chosen EditGAN again on this image."""
        if self._place.lock is not None and one_window.is_called(self._place.lock):
            self._window.present_with_time(Gdk.CURRENT_TIME)

    def _closed(self, *_event: object) -> bool:
        self._close()
        return Gdk.EVENT_STOP  # it goes when `run` ends

    def _hold(self, before: bool) -> bool:
        self._bench.sight.show_before(before)
        return Gdk.EVENT_PROPAGATE

    def _hold_by_key(self, _button: Gtk.Button, event: Gdk.EventKey, before: bool) -> bool:
        if event.keyval in (Gdk.KEY_space, Gdk.KEY_Return, Gdk.KEY_KP_Enter):
            self._hold(before)
            return Gdk.EVENT_STOP
        return Gdk.EVENT_PROPAGATE

    def _key(self, _window: Gtk.Window, event: Gdk.EventKey) -> bool:
        search = self._presets.grid.search
        if event.keyval == Gdk.KEY_F9:
            self._hold(True)
        elif event.keyval == Gdk.KEY_f and event.state & Gdk.ModifierType.CONTROL_MASK:
            search.grab_focus()
        elif event.keyval == Gdk.KEY_s and event.state & Gdk.ModifierType.CONTROL_MASK:
            self._kept()
        elif event.keyval == Gdk.KEY_Escape:
            if search.get_text():  # first out of the search
                search.set_text("")
            else:
                self._close()
        else:
            return Gdk.EVENT_PROPAGATE
        return Gdk.EVENT_STOP

    def _key_released(self, _window: Gtk.Window, event: Gdk.EventKey) -> bool:
        if event.keyval == Gdk.KEY_F9:
            self._hold(False)
        return Gdk.EVENT_PROPAGATE
