"""What the window of New Model shows: a model, its parts, painting, training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GdkPixbuf, GimpUi, Gtk

from link.texts import _
from protocol.messages import OwnModel, OwnModels, PartToLabel, Pixels
from windows.dialogs import SPACING, hint, row
from windows.part_buttons import PartButtons
from windows.part_list import PartList
from windows.picture import pixbuf
from windows.place import Place
from windows.work_bar import WorkBar

_SHEET = 460  # px, the width of the sheet of what was learned
_IMAGES = 10_000
_SIZE = (480, 560)  # px, at first


class Maker(Protocol):
    """What the window's buttons do."""

    def choose(self) -> None: ...

    def use_parts(self) -> None: ...

    def draw(self) -> None: ...

    def save(self) -> bool: ...

    def take(self, part: PartToLabel) -> None: ...

    def erase(self, on: bool) -> None: ...

    def train(self) -> None: ...

    def train_encoder(self) -> None: ...

    def close(self) -> None: ...


class NewModelView:
    """`work` shows jobs; `parts` has what is typed."""

    def __init__(self, maker: Maker, work: WorkBar) -> None:
        self._maker, self.work = maker, work
        self._filling = False
        self._model = Gtk.ComboBoxText(hexpand=True)
        self._model.connect("changed", lambda _combo: self._changed())
        self.parts = PartList(maker.use_parts)
        self._buttons = PartButtons(maker.take, maker.erase)
        self._counts = Gtk.Label(xalign=0.0, wrap=True, max_width_chars=56)
        self._sheet = Gtk.Image(no_show_all=True)
        self._news = Gtk.Label(xalign=0.0, wrap=True, max_width_chars=60, selectable=True)
        self._images = Gtk.SpinButton.new_with_range(8, 1_000_000, 1000)
        self._images.set_value(_IMAGES)
        self._images.set_tooltip_text(_("Pictures of the model's own that the encoder learns from"))
        self._draw = _button(
            _("_Next Picture"), _("Save this one, and open the one the model knows least"),
            maker.draw,
        )  # fmt: skip
        self._save = _button(_("Sa_ve"), _("Save what is painted on this picture"), maker.save)
        self._train = _button(_("_Train"), _("Learn the parts from what is labelled"), maker.train)
        self._encoder = _button(
            _("Train _Encoder"), _("Learn to find photos in the model; it needs no labels"),
            maker.train_encoder,
        )  # fmt: skip
        self._pages = self._notebook()
        self._window = self._made()
        self._place = Place(self._window, "window-new-model", _SIZE)

    def show(self) -> None:
        self._place.put()
        GimpUi.window_set_transient(self._window)
        self._window.show_all()

    def close(self) -> None:
        self._place.close()
        self._window.destroy()

    @property
    def chosen(self) -> str:
        """The bundle that is chosen, "" where there is none."""
        return self._model.get_active_id() or ""

    @property
    def images(self) -> int:
        return self._images.get_value_as_int()

    def offer(self, found: OwnModels) -> None:
        """Fill in the models, the one that was chosen before first, and the templates."""
        before = self.chosen
        self._filling = True
        self._model.remove_all()
        for model in found.models:
            size = _("{side} pixels").format(side=model.resolution)
            self._model.append(model.bundle, f"{model.title} ({model.bundle}), {size}")
        self._model.set_active_id(before)
        if not self.chosen and found.models:
            self._model.set_active(0)
        self._filling = False
        self._pages.set_sensitive(bool(found.models))
        if not before:
            self.parts.offer(found.templates)

    def show_model(self, model: OwnModel) -> None:
        self.parts.show(model.parts, model.domain, fixed=bool(model.labelled))
        self._buttons.fill(model.parts)
        said = _("Labelled pictures: {labelled}. As a rule 16 to 30 are needed.")
        self._counts.set_text(said.format(labelled=len(model.labelled)))
        for widget in (self._draw, self._save):
            widget.set_sensitive(bool(model.parts))
        self._train.set_sensitive(bool(model.labelled))

    def show_sheet(self, sheet: Pixels | None) -> None:
        """What was learned, beside what it was to be."""
        if sheet is None:
            self._sheet.hide()
            return
        picture = pixbuf(sheet)
        height = max(1, round(picture.get_height() * _SHEET / picture.get_width()))
        smooth = GdkPixbuf.InterpType.BILINEAR
        self._sheet.set_from_pixbuf(picture.scale_simple(_SHEET, height, smooth))
        self._sheet.show()

    def tell(self, text: str) -> None:
        self._news.set_text(text)

    def set_busy(self, busy: bool) -> None:
        self._pages.set_sensitive(not busy)
        self._model.set_sensitive(not busy)
        if busy:
            self.tell("")

    # --- the window ---

    def _changed(self) -> None:
        if not self._filling:
            self._maker.choose()

    def _key(self, _window: Gtk.Window, event: Gdk.EventKey) -> bool:
        if event.keyval != Gdk.KEY_Escape:
            return Gdk.EVENT_PROPAGATE
        self._maker.close()
        return Gdk.EVENT_STOP

    def _closed(self, *_event: object) -> bool:
        self._maker.close()
        return True  # it goes when `close` is called

    def _notebook(self) -> Gtk.Notebook:
        paint = Gtk.Grid(row_spacing=6)
        paint.attach(self._counts, 0, 0, 1, 1)
        paint.attach(self._buttons.widget, 0, 1, 1, 1)
        paint.attach(_side_by_side(self._draw, self._save), 0, 2, 1, 1)
        train = Gtk.Grid(row_spacing=6)
        train.attach(_side_by_side(self._train), 0, 0, 1, 1)
        train.attach(
            hint(_("A model that has no encoder yet needs one to open photos:")), 0, 1, 1, 1
        )
        train.attach(_side_by_side(self._encoder, self._images), 0, 2, 1, 1)
        scrolled = Gtk.ScrolledWindow(can_focus=False, vexpand=True, min_content_height=120)
        scrolled.add(self._sheet)
        train.attach(scrolled, 0, 3, 1, 1)
        pages = Gtk.Notebook(vexpand=True)
        for page, title in (
            (self.parts.widget, _("_1 Parts")),
            (paint, _("_2 Paint")),
            (train, _("_3 Train")),
        ):
            page.set_border_width(SPACING)
            pages.append_page(page, Gtk.Label.new_with_mnemonic(title))
        return pages

    def _made(self) -> Gtk.Window:
        window = Gtk.Window(title=_("EditGAN: New Model"), role="editgan-new-model")
        window.set_border_width(SPACING)
        window.connect("delete-event", self._closed)
        window.connect("key-press-event", self._key)
        close = _button(_("_Close"), _("Everything that was saved stays"), self._maker.close)
        body = Gtk.Grid(row_spacing=6)
        for number, widget in enumerate(
            (row(_("_Model"), self._model), self._pages, self._news, self.work.widget)
        ):
            body.attach(widget, 0, number, 1, 1)
        bar = Gtk.Box()
        bar.pack_end(close, False, False, 0)
        body.attach(bar, 0, 4, 1, 1)
        window.add(body)
        return window


def _button(label: str, tip: str, work: Callable[[], object]) -> Gtk.Button:
    button = Gtk.Button.new_with_mnemonic(label)
    button.set_tooltip_text(tip)
    button.connect("clicked", lambda _button: work())
    return button


def _side_by_side(*widgets: Gtk.Widget) -> Gtk.Box:
    box = Gtk.Box(spacing=6)
    for widget in widgets:
        box.pack_start(widget, False, False, 0)
    return box
