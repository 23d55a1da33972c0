"""Every window as it is built, GIMP's own buttons included: Alt and a letter mean one thing in it,
and Return does something.

The windows are opened in this process, out of the plug-in's own modules.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
import pytest
from gi.repository import Gdk, Gimp, GLib, Gtk
from gimp_helpers import BORROW, PORTRAIT, REPAINT, SEGMENT, load, succeeded

Call = Callable[..., Gimp.ValueArray]

pytestmark = [
    pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb"),
    pytest.mark.filterwarnings("ignore:.*asyncio.*:DeprecationWarning"),  # PyGObject, Python 3.14
]


@pytest.fixture(scope="module", autouse=True)
def plug_in() -> Iterator[None]:
    """The plug-in's modules can be imported."""
    folder = str(Path(os.environ["GIMP3_DIRECTORY"], "plug-ins/editgan"))
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)


@dataclass(frozen=True)
class Seen:
    """A window: its title, the letters of its mnemonics, and whether Return presses a button."""

    title: str
    letters: list[str]
    has_default: bool

    @property
    def twice(self) -> list[str]:
        return [letter for letter, count in Counter(self.letters).items() if count > 1]


def window_of(show: Callable[[], object]) -> Seen:
    """The window that `show` opens and waits for; it is closed once it has been looked at."""
    from errors import CommandCancelled

    seen = []

    def look() -> bool:
        for window in Gtk.Window.list_toplevels():
            if isinstance(window, Gtk.Dialog) and window.get_mapped():
                default = window.get_default_widget() is not None
                seen.append(Seen(window.get_title(), list(letters(window)), default))
                window.response(Gtk.ResponseType.DELETE_EVENT)
        return GLib.SOURCE_CONTINUE if not seen else GLib.SOURCE_REMOVE

    GLib.timeout_add(100, look)
    with suppress(CommandCancelled):
        show()
    (one,) = seen
    return one


def letters(window: Gtk.Window) -> Iterator[str]:
    """Those of all labels that can be seen, on hidden pages too."""
    for widget in descendants(window):
        if isinstance(widget, Gtk.Label) and widget.get_visible():
            key = widget.get_mnemonic_keyval()
            if key != Gdk.KEY_VoidSymbol:
                yield chr(Gdk.keyval_to_unicode(key)).lower()


def descendants(widget: Gtk.Widget) -> Iterator[Gtk.Widget]:
    yield widget
    if isinstance(widget, Gtk.Container):
        inside: list[Gtk.Widget] = []
        widget.forall(inside.append)
        for child in inside:
            yield from descendants(child)


def config_of(name: str) -> Gimp.ProcedureConfig:
    return Gimp.get_pdb().lookup_procedure(name).create_config()


def segment() -> None:
    import dialogs

    dialogs.segment(config_of(SEGMENT), ["faces", "cats"])


def repaint() -> None:
    import dialogs

    dialogs.repaint(config_of(REPAINT))


def borrow() -> None:
    import borrow_dialog

    borrow_dialog.run(config_of(BORROW), [load(PORTRAIT)], ["eyes", "mouth"])


def rename() -> None:
    from name_question import ask_for_name

    ask_for_name(Gtk.Window(), "Smile")


def convert() -> None:
    import indexed

    image = load(PORTRAIT)
    palette = Gimp.ConvertPaletteType.GENERATE
    image.convert_indexed(Gimp.ConvertDitherType.NONE, palette, 64, False, False, "")
    indexed.offer_rgb(image)


@pytest.mark.parametrize("show", [segment, repaint, borrow, rename, convert])
def test_questions(show: Callable[[], None]) -> None:
    seen = window_of(show)
    assert len(seen.letters) >= 2 and not seen.twice, seen
    assert seen.has_default


def test_backend_window() -> None:
    import status_dialog

    seen = window_of(status_dialog.run)
    assert len(seen.letters) >= 10 and not seen.twice, seen
    assert seen.has_default


def test_edit_library(segmented: Gimp.Image) -> None:
    import apply
    import stack
    from library_dialog import LibraryDialog, Subject
    from session import Session
    from views import LabelView

    with Session(LabelView(str)) as session:
        photo, kept = apply.opened(session, segmented, [])
        dialog = LibraryDialog(Subject(photo, kept, stack.Stack(kept.bundle, kept.sha), None, "-"))
        dialog.connect_to(session)
        seen = window_of(dialog.run)
    assert len(seen.letters) >= 10 and not seen.twice, seen
    assert seen.has_default


def test_save_as_edit(call: Call, repainted: Gimp.Image) -> None:
    import photo
    import save_edit
    from save_dialog import SaveDialog
    from session import Session
    from views import LabelView

    succeeded(call(REPAINT, repainted, None, steps=2))
    kept, edit = save_edit.find(repainted, [])
    with Session(LabelView(str)) as session:
        dialog = SaveDialog(edit, [])
        dialog.connect_to(session, photo.remembered(repainted, kept), kept)
        seen = window_of(lambda: dialog.run(config_of("plug-in-editgan-save-edit")))
    assert len(seen.letters) >= 2 and not seen.twice, seen
    assert seen.has_default


def test_buttons_of_a_job_work_for_the_next_one_too() -> None:
    """Keep ends one job of a command; the job after it can be kept or cancelled as well."""
    from views import PreviewView

    from protocol.messages import Pixels, Preview

    view, said = PreviewView("Working"), []
    view.begin(lambda keep: said.append(("first", keep)))
    picture = Preview(Pixels(8, 8, 3, "u8", bytes(192)), (0, 0, 8, 8))
    view.show(picture, (0.0, 0.5))
    press("Keep What There Is")
    press("Cancel")  # too late for this job
    view.begin(lambda keep: said.append(("second", keep)))
    press("Keep What There Is")  # nothing to see yet
    press("Cancel")
    view.close()
    assert said == [("first", True), ("second", False)]
    assert view.cancelled.is_set()


def press(label: str) -> None:
    """Press a button of the one window there is; one that is insensitive does nothing."""
    (window,) = (w for w in Gtk.Window.list_toplevels() if isinstance(w, Gtk.Dialog))
    buttons = (b for b in descendants(window) if isinstance(b, Gtk.Button))
    button = next(b for b in buttons if b.get_label().replace("_", "") == label)
    if button.get_sensitive():
        button.clicked()
