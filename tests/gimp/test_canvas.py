"""What the canvas shows while a slider of the EditGAN window is dragged, and once it rests."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
import pytest
from gi.repository import Gimp, GLib, Gtk
from gimp_helpers import BORROW, PORTRAIT, load, names, part_group, save, succeeded
from gimp_workbench import turn, workbench

from protocol.client import Connection
from protocol.messages import GetEdit

Call = Callable[..., Gimp.ValueArray]

if TYPE_CHECKING:
    from commands.people import PersonInPhoto
    from windows.workbench import Workbench


@pytest.fixture
def shown(plug_in: None, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every picture that comes onto the canvas."""
    from image.canvas_preview import CanvasPreview

    pictures: list[Any] = []
    show = CanvasPreview.show

    def look_and_show(canvas: CanvasPreview, picture: Any, *note: Any) -> None:
        pictures.append(picture)
        show(canvas, picture, *note)

    monkeypatch.setattr(CanvasPreview, "show", look_and_show)
    return pictures


def opened(bench: "Workbench") -> "PersonInPhoto":
    turn(lambda: bench.person and bench.person.is_open)
    assert bench.person and bench.person.stack is not None
    return bench.person


def is_exact(person: "PersonInPhoto", picture: Any) -> bool:
    return person.edited is not None and picture == person.edited.layer


def test_the_canvas_follows_a_slider_and_shows_the_exact_picture_once_it_rests(
    segmented: Gimp.Image, backend: Connection, shown: list[Any]
) -> None:
    from image import stacks

    smile = stacks.entry_of(backend.request(GetEdit("faces", "smile")))
    before = names(segmented)
    with workbench(segmented) as bench:
        person = opened(bench)
        assert person.stack is not None
        for scale in (0.2, 0.4, 0.6):
            entry = replace(smile, scale=scale)
            bench.set_stack(stacks.with_entry(person.stack, entry))
            count = len(shown)
            turn(lambda count=count: len(shown) > count)
            assert len(names(segmented)) == len(before) + 1
        turn(lambda: person.edited_stack == person.stack)
        drafts = [picture for picture in shown if not is_exact(person, picture)]
        assert len(drafts) >= 3 and is_exact(person, shown[-1])
        one, exact = drafts[-1].rect, shown[-1].rect
        assert not one.intersected(exact).is_empty  # in the same place
    assert names(segmented) == before


def test_what_is_kept_is_said_until_something_changes(
    segmented: Gimp.Image, backend: Connection
) -> None:
    from image import stacks

    smile = stacks.entry_of(backend.request(GetEdit("faces", "smile")), 0.5)
    with workbench(segmented) as bench:
        person, said = opened(bench), []
        bench.shown.say = said.append
        bench.set_stack(stacks.with_entry(person.stack, smile))
        bench.keep()
        turn(lambda: bench.faces_kept)
        assert "Kept" in said[-1]
        bench.set_stack(stacks.set_scale(person.stack, 0, 0.25))
        assert "Kept" not in said[-1]


def test_a_stack_that_is_emptied_leaves_no_draft(
    segmented: Gimp.Image, backend: Connection, shown: list[Any]
) -> None:
    """Its draft may still be on the way then."""
    from image import stacks

    smile = stacks.entry_of(backend.request(GetEdit("faces", "smile")), 0.5)
    before = names(segmented)
    with workbench(segmented) as bench:
        person = opened(bench)
        empty = person.stack
        assert empty is not None
        bench.set_stack(stacks.with_entry(empty, smile))
        bench.set_stack(empty)
        turn(lambda: person.edited_stack == empty and bench.asking and not bench.asking.is_busy)
        assert names(segmented) == before and not shown


def test_the_small_face_has_what_was_borrowed(call: Call, segmented: Gimp.Image) -> None:
    other = load(PORTRAIT)
    succeeded(call(BORROW, segmented, None, other=other, parts="eyes", steps=2))
    faces: list[Any] = []
    with workbench(segmented) as bench:
        bench.shown.show_face = lambda _person, picture: faces.append(picture)
        opened(bench)
        turn(lambda: faces and faces[-1] is not None)  # not the photo's layer alone


def test_when_the_backend_stops_the_window_says_that_it_goes_on_and_does(
    segmented: Gimp.Image, kill_backend: Callable[[], None]
) -> None:
    with workbench(segmented) as bench:
        person, problems = opened(bench), bench.shown.problems
        kill_backend()
        bench.set_stack(person.stack)  # whatever comes next
        bench.reopen(person)
        turn(lambda: problems)
        assert "takes over" in problems.pop() and not problems
        turn(lambda: person.is_open)


def changed(person: "PersonInPhoto", backend: Connection, bench: "Workbench") -> None:
    """Somebody's slider is moved; ends when the canvas shows it."""
    from image import stacks

    smile = stacks.entry_of(backend.request(GetEdit("faces", "smile")), 0.5)
    assert person.stack is not None
    bench.set_stack(stacks.with_entry(person.stack, smile))
    turn(lambda: person.edited_stack == person.stack)


@pytest.mark.parametrize("otherwise", ["untouched", "painted", "guided", "too large"])
def test_gimp_knows_of_work_that_is_not_kept(
    plug_in: None,
    segmented: Gimp.Image,
    backend: Connection,
    otherwise: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So it asks before it closes the image; once that work is discarded only what was done to the
    image beside it counts. What takes long to be looked at counts as changed."""
    from image import unsaved

    if otherwise == "too large":
        monkeypatch.setattr(unsaved, "_MOST", 1 << 20)
    segmented.clean_all()
    (photo,) = segmented.get_layers()[-1:]
    with workbench(segmented) as bench:
        person = opened(bench)
        assert not segmented.is_dirty()
        changed(person, backend, bench)
        assert segmented.is_dirty()
        turn(lambda: not bench._unsaved._later)
        if otherwise == "painted":
            photo.fill(Gimp.FillType.WHITE)
        elif otherwise == "guided":
            segmented.add_hguide(9)
    assert segmented.is_dirty() == (otherwise != "untouched")


def test_what_a_file_was_saved_with_counts_once_it_is_changed_or_discarded(
    plug_in: None, segmented: Gimp.Image, backend: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from image import stacks, unsaved

    files: list[int] = []
    monkeypatch.setattr(unsaved, "saved_as", lambda _image: len(files))
    segmented.clean_all()
    with workbench(segmented) as bench:
        person = opened(bench)
        changed(person, backend, bench)
        for saved in (False, True):
            files += [0] * saved
            segmented.clean_all()  # by saving, or by an undo
            bench._look()  # as it does all the time
            assert segmented.is_dirty() != saved
        bench._look()
        assert not segmented.is_dirty()
        bench.set_stack(stacks.set_scale(person.stack, 0, 0.25))
        assert segmented.is_dirty()
    assert segmented.is_dirty()


def test_gimp_knows_of_a_stack_that_only_the_librarys_dialog_has(
    plug_in: None, segmented: Gimp.Image, backend: Connection
) -> None:
    from commands import apply
    from image import stack_layers, stacks
    from link.errors import CommandCancelled
    from link.session import Session
    from windows.edited_subject import EditedSubject
    from windows.library_dialog import LibraryDialog
    from windows.views import LabelView

    with Session(LabelView(str)) as session:
        photo, subject = apply.opened(session, segmented, [])
        found = stack_layers.find(segmented, [], subject)
        segmented.clean_all()
        dialog = LibraryDialog(session, EditedSubject(photo, subject, found, "-"))
        assert not segmented.is_dirty()
        dialog._sliders.add(stacks.entry_of(backend.request(GetEdit("faces", "smile"))))
        assert segmented.is_dirty()
        turn(lambda: dialog._unsaved._before)
        GLib.idle_add(dialog._dialog.response, Gtk.ResponseType.CANCEL)
        with pytest.raises(CommandCancelled):
            dialog.run()
    assert not segmented.is_dirty()


def test_paint_gives_way_to_the_preview_unless_the_brush_is_in_hand(
    segmented: Gimp.Image, backend: Connection
) -> None:
    group = part_group(segmented)
    assert group.get_visible()
    with workbench(segmented) as bench:
        person = opened(bench)
        bench.in_hand = lambda: True
        changed(person, backend, bench)
        assert group.get_visible()
        bench.in_hand = lambda: False
        assert person.stack is not None
        bench.set_stack(person.stack)
        assert not group.get_visible()
        bench.sight.put_back()  # a chip is taken
        assert group.get_visible()
        bench.set_stack(person.stack)
    assert group.get_visible()


def test_a_copy_of_the_photo_that_hides_the_preview_is_told_of_and_hidden_on_request(
    segmented: Gimp.Image,
) -> None:
    (photo,) = segmented.get_layers()[-1:]
    with workbench(segmented) as bench:
        opened(bench)
        copy = photo.copy()
        segmented.insert_layer(copy, None, 0)
        turn(lambda: bench.shown.problems)
        assert copy.get_name() in bench.shown.problems.pop()
        bench.shown.action()
        assert not copy.get_visible()
        bench._look()
        copy.set_visible(True)
        copy.set_opacity(50.0)  # lets the face through
        bench._look()
        assert not bench.shown.problems


@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_was_saved_with_a_preview_goes_on_where_it_was(
    segmented_file: Path, backend: Connection, tmp_path: Path, known: bool
) -> None:
    """Its preview is one again, not a layer over all that follows."""
    image, file = load(segmented_file if known else PORTRAIT), tmp_path / "saved.xcf"
    before = names(image)
    with workbench(image) as bench:
        person = opened(bench)
        changed(person, backend, bench)
        stack = person.stack
        save(image, file)
    again = load(file)
    assert len(names(again)) == len(before) + 1
    with workbench(again) as bench:
        person = opened(bench)
        assert person.stack == stack and bench.changed == [person]
        turn(lambda: person.edited_stack == stack)
        assert len(names(again)) == len(before) + 1
    assert names(again) == before
