"""Every window as it is built, GIMP's own buttons included: Alt and a letter mean one thing in it,
Return does something, and Tab goes to every control, in the order in which one reads.

The windows are opened in this process, out of the plug-in's own modules.
"""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("GdkX11", "3.0")
gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
import pytest
from gi.repository import Gdk, GdkX11, Gimp, GLib, Gtk  # noqa: F401  GdkX11: windows' numbers
from gimp_helpers import BORROW, PORTRAIT, REPAINT, SEGMENT, load, succeeded
from gimp_windows import ENDING

from protocol import paths

Call = Callable[..., Gimp.ValueArray]

pytestmark = [
    pytest.mark.usefixtures("plug_in"),
    pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb"),
    pytest.mark.filterwarnings("ignore:.*asyncio.*:DeprecationWarning"),  # PyGObject, Python 3.14
]


@dataclass(frozen=True)
class Walk:
    """Where Tab has led, and what is wrong with it."""

    stops: list[str]
    problems: list[str]


@dataclass(frozen=True)
class Seen:
    """A window: its title, the letters of its mnemonics, whether Return presses a button, and a
    walk through it, or through each of its pages.
    """

    title: str
    letters: list[str]
    has_default: bool
    walks: list[Walk]

    @property
    def twice(self) -> list[str]:
        return [letter for letter, count in Counter(self.letters).items() if count > 1]

    @property
    def problems(self) -> list[str]:
        return [problem for walk in self.walks for problem in walk.problems]


def window_of(
    show: Callable[[], object],
    ready: Callable[[Gtk.Window], bool] = lambda _window: True,
    kind: type[Gtk.Window] = Gtk.Dialog,
) -> Seen:
    """The window that `show` opens and waits for; it is closed once it has been looked at."""
    from link.errors import CommandCancelled

    seen = []

    def look() -> bool:
        windows = [w for w in Gtk.Window.list_toplevels() if isinstance(w, kind)]
        window = next((w for w in windows if w.get_mapped() and ready(w)), None)
        if window is None or not has_keyboard(window):
            return GLib.SOURCE_CONTINUE
        walks: list[Walk] = []
        keys = walk_all(window, walks)

        def go_on(*_event: object) -> bool:
            """After each key: the next one. In the end the window is closed."""
            if next(keys, None) is None:
                default = window.get_default_widget() is not None
                seen.append(Seen(window.get_title(), list(letters(window)), default, walks))
                window.close()
            return Gdk.EVENT_PROPAGATE

        window.connect("key-release-event", go_on)
        go_on()
        return GLib.SOURCE_REMOVE

    def give_up() -> bool:
        for window in Gtk.Window.list_toplevels():
            if isinstance(window, kind) and window.get_mapped():
                window.close()
        return GLib.SOURCE_CONTINUE

    GLib.timeout_add(100, look)
    too_late = GLib.timeout_add_seconds(int(ENDING), give_up)
    with suppress(CommandCancelled):
        show()
    GLib.source_remove(too_late)
    (one,) = seen
    return one


def has_keyboard(window: Gtk.Window) -> bool:
    """There is no window manager that gives it the keyboard: this does, before it is asked next."""
    number = str(window.get_window().get_xid())
    subprocess.run(["xdotool", "windowfocus", number], check=False, timeout=30)
    return window.is_active()


def walk_all(window: Gtk.Window, walks: list[Walk]) -> Iterator[str]:
    """Press Tab until it leads where it has led before; on each page, where there are some.

    Goes on when a key has been released.
    """
    book = next((w for w in descendants(window) if isinstance(w, Gtk.Notebook)), None)
    for page in range(book.get_n_pages() if book else 1):
        if book:
            book.set_current_page(page)
            book.grab_focus()
        stops = [window.get_focus()]
        while True:
            subprocess.run(["xdotool", "key", "Tab"], check=True, timeout=30)
            yield "Tab"
            if window.get_focus() in stops:
                break
            stops.append(window.get_focus())
        walks.append(judged(window, stops, window.get_focus()))


def judged(window: Gtk.Window, stops: list[Gtk.Widget], last: Gtk.Widget) -> Walk:
    """last: where Tab led from the last stop."""
    problems = [] if last is stops[0] else [f"Tab goes from the last one to {told(last)}"]
    back = [(a, b) for a, b in pairwise([*stops, last]) if not reads_on(a, b)]
    if len(back) > 1:  # once it goes from the last one to the first
        problems += [f"{told(after)} comes after {told(before)}" for before, after in back]
    left_out = [w for w in descendants(window) if is_control(w) and w not in stops]
    problems += [f"{told(w)} is left out" for w in left_out if not is_like_one_of(stops, w)]
    problems += [f"{told(w)} says nothing of itself" for w in stops if not explained(w)]
    return Walk([told(stop) for stop in stops], problems)


def is_control(widget: Gtk.Widget) -> bool:
    kinds = (Gtk.Button, Gtk.Entry, Gtk.Scale, Gtk.TextView, Gtk.Notebook)
    usable = widget.get_can_focus() and widget.get_mapped() and widget.is_sensitive()
    return isinstance(widget, kinds) and usable


def is_like_one_of(stops: list[Gtk.Widget], widget: Gtk.Widget) -> bool:
    """Of radio buttons only the chosen one is a stop; arrows go to the others."""
    group = widget.get_group() if isinstance(widget, Gtk.RadioButton) else []
    return any(one in stops for one in group)


def reads_on(before: Gtk.Widget, after: Gtk.Widget) -> bool:
    """Whether `after` is below `before` or right of it: the largest parts of the window that hold
    one of them and not the other are.
    """
    common = next(w for w in ancestors(before) if after.is_ancestor(w) or w is after)
    if common in (before, after):
        return True  # into a widget, or out of it
    (x, y, _width, height), (other_x, other_y, *_size) = (
        rectangle(next(w for w in ancestors(widget) if w.get_parent() is common), common)
        for widget in (before, after)
    )
    return other_y >= y + height // 2 or other_x > x


def ancestors(widget: Gtk.Widget) -> Iterator[Gtk.Widget]:
    """The widget itself first."""
    while widget is not None:
        yield widget
        widget = widget.get_parent()


def rectangle(widget: Gtk.Widget, within: Gtk.Widget) -> tuple[int, int, int, int]:
    x, y = widget.translate_coordinates(within, 0, 0)
    return x, y, widget.get_allocated_width(), widget.get_allocated_height()


def explained(widget: Gtk.Widget) -> bool:
    """Whether it, or what it belongs to, has a tooltip or a letter for Alt, or is text itself."""
    if isinstance(widget, Gtk.Label | Gtk.ListBoxRow | Gtk.Notebook | Gtk.TextView):
        return True
    return any(
        one.get_tooltip_text()
        or one.list_mnemonic_labels()
        or (isinstance(one, Gtk.Button) and "_" in (one.get_label() or ""))
        for one in ancestors(widget)
    )


def told(widget: Gtk.Widget) -> str:
    """What somebody calls it who reads the test's report."""
    texts = [w.get_text() for w in descendants(widget) if isinstance(w, Gtk.Label | Gtk.Entry)]
    labels = [label.get_text() for one in ancestors(widget) for label in one.list_mnemonic_labels()]
    tip = next(filter(None, (one.get_tooltip_text() for one in ancestors(widget))), "")
    return f"{type(widget).__name__} {' '.join([*labels, *texts]) or tip!r}"


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


def shows(window: Gtk.Window, text: str) -> bool:
    return any(isinstance(w, Gtk.Label) and w.get_text() == text for w in descendants(window))


def config_of(name: str) -> Gimp.ProcedureConfig:
    return Gimp.get_pdb().lookup_procedure(name).create_config()


def segment() -> None:
    from protocol.messages import BundleInfo
    from windows import dialogs

    models = [BundleInfo("faces", title="Faces"), BundleInfo("cats")]
    dialogs.segment(load(PORTRAIT), config_of(SEGMENT), models)


def repaint() -> None:
    from windows import dialogs

    dialogs.repaint(load(PORTRAIT), config_of(REPAINT))


def borrow() -> None:
    from windows import borrow_dialog

    image, other = load(PORTRAIT), load(PORTRAIT)
    groups = {"eyes": ("left eye",), "nose": ("nose",)}
    borrow_dialog.run(image, config_of(BORROW), [other], groups)


def rename() -> None:
    from windows.name_question import ask_for_name

    ask_for_name(Gtk.Window(), "Smile")


def convert() -> None:
    from windows import indexed

    image = load(PORTRAIT)
    palette = Gimp.ConvertPaletteType.GENERATE
    image.convert_indexed(Gimp.ConvertDitherType.NONE, palette, 64, False, False, "")
    indexed.offer_rgb(image)


def keep_changes() -> None:
    from windows.closing import ask_whether_to_keep

    ask_whether_to_keep(Gtk.Window(), 2)


def choose_model() -> None:
    from protocol.facts import BundleInfo
    from windows.model_question import ask_for_model

    ask_for_model(Gtk.Window(), [BundleInfo("faces"), BundleInfo("cats", title="Cats")], "faces")


QUESTIONS = [segment, repaint, borrow, rename, convert, keep_changes, choose_model]


@pytest.mark.parametrize("show", QUESTIONS)
def test_questions(show: Callable[[], None]) -> None:
    seen = window_of(show)
    assert len(seen.letters) >= 2 and not seen.twice, seen
    assert seen.has_default
    assert not seen.problems, seen


def test_new_model(order: Callable[[str], None]) -> None:
    """With a model whose parts are still to be named."""
    from windows import new_model

    def lists_parts(window: Gtk.Window) -> bool:
        return any(isinstance(widget, Gtk.ColorButton) for widget in descendants(window))

    order("generator")
    try:
        seen = window_of(new_model.run, lists_parts, Gtk.Window)
    finally:
        shutil.rmtree(paths.bundles_dir() / "tiny")
    assert len(seen.letters) >= 10 and not seen.twice, seen
    assert not seen.problems, seen


def test_backend_window() -> None:
    from windows import status_dialog

    seen = window_of(status_dialog.run, ready=lambda window: shows(window, "ready"))
    assert len(seen.letters) >= 10 and not seen.twice, seen
    assert seen.has_default
    assert not seen.problems, seen


@pytest.mark.parametrize("edits", [(), ("smile", "bigger-eyes")])
def test_edit_library(segmented: Gimp.Image, edits: tuple[str, ...]) -> None:
    from dataclasses import replace

    from commands import apply
    from image import stack_layers, stacks
    from link.session import Session
    from protocol.messages import GetEdit
    from windows.edited_subject import EditedSubject
    from windows.library_dialog import LibraryDialog
    from windows.views import LabelView

    with Session(LabelView(str)) as session:
        photo, subject = apply.opened(session, segmented, [])
        contents = [session.request(GetEdit(subject.bundle, edit)) for edit in edits]
        entries = tuple(map(stacks.entry_of, contents))
        chosen = stacks.Stack(subject.bundle, subject.sha, entries=entries)
        found = replace(stack_layers.find(segmented, [], subject), stack=chosen)
        dialog = LibraryDialog(session, EditedSubject(photo, subject, found, "-"))
        seen = window_of(dialog.run)
    assert len(seen.letters) >= 10 and not seen.twice, seen
    assert seen.has_default
    assert not seen.problems, seen
    (walk,) = seen.walks
    assert sum(stop.startswith("FlowBoxChild") for stop in walk.stops) == 1  # arrows do the rest
    assert sum(stop.startswith("Scale") for stop in walk.stops) == len(edits)


def test_save_as_edit(call: Call, repainted: Gimp.Image) -> None:
    from commands import save_edit
    from image import photos
    from link.session import Session
    from windows.save_dialog import SaveDialog
    from windows.views import LabelView

    succeeded(call(REPAINT, repainted, None, steps=2))
    kept, edit = save_edit.find(repainted, [])
    with Session(LabelView(str)) as session:
        photo, kept = photos.remembered(repainted, kept)
        dialog = SaveDialog(session, photo, kept, edit, [])
        seen = window_of(lambda: dialog.run(config_of("plug-in-editgan-save-edit")))
    assert len(seen.letters) >= 2 and not seen.twice, seen
    assert seen.has_default
    assert not seen.problems, seen


def test_editgan_window(segmented: Gimp.Image) -> None:
    from image import photos
    from windows.editgan_window import EditGanWindow

    def is_filled(window: Gtk.Window) -> bool:
        """The face is known, its edits and the chips of its parts are there."""
        inside = list(descendants(window))
        sliders = sum(isinstance(w, Gtk.Scale) for w in inside)
        chips = [w for w in inside if w.get_accessible().get_name() == "nose"]
        return window.get_role() == "editgan-window" and sliders >= 5 and bool(chips)

    photo = photos.find(segmented, [])
    seen = window_of(EditGanWindow(photo, [], {}).run, is_filled, Gtk.Window)
    assert len(seen.letters) >= 6 and not seen.twice, seen
    assert not seen.problems, seen


@pytest.mark.parametrize("window", ["best take", "everywhere"])
def test_faces_to_choose_from(segmented: Gimp.Image, window: str) -> None:
    from dataclasses import replace

    from commands.best_take import Takes
    from commands.series import FaceInImage
    from image import photos, subjects
    from windows.frames_dialogs import BestTakeDialog, ask_which

    (mine,) = subjects.all_of(segmented)
    face = FaceInImage(
        photos.find(segmented, []), "photo.jpg", mine.bundle, mine.quad, mine.rect, mine
    )
    others = [replace(face, eyes=0.9), replace(face, smile=0.9)]
    takes = Takes([face, face], [others, others[:1]])
    if window == "best take":
        seen = window_of(lambda: BestTakeDialog(takes, ["eyes", "mouth"], "face").run())
    else:
        seen = window_of(lambda: ask_which(segmented, others))
    assert len(seen.letters) >= 2 and not seen.twice, seen
    assert seen.has_default
    assert not seen.problems, seen


def test_buttons_of_a_job_work_for_the_next_one_too(segmented: Gimp.Image) -> None:
    """Keep ends one job of a command; the job after it can be kept or cancelled as well."""
    from protocol.messages import Pixels, Preview
    from windows.views import PreviewView

    view, said = PreviewView("Working", segmented), []
    view.begin(lambda keep: said.append(("first", keep)))
    picture = Preview(Pixels(8, 8, 3, "u8", bytes(192)), (0, 0, 8, 8))
    view.show(picture, (0.0, 0.5))
    press("Stop and Keep")
    press("Cancel")  # too late for this job
    view.begin(lambda keep: said.append(("second", keep)))
    press("Stop and Keep")  # nothing to see yet
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
