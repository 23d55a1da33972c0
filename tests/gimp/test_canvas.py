"""What the canvas shows while a slider of the EditGAN window is dragged, and once it rests."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import BORROW, PORTRAIT, load, names, succeeded
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

    def look_and_show(canvas: CanvasPreview, picture: Any) -> None:
        pictures.append(picture)
        show(canvas, picture)

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
