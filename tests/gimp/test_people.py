"""Several people in one photo: the one that is meant is taken, whatever is selected."""

from collections.abc import Callable
from dataclasses import replace

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import (
    APPLY,
    PORTRAIT,
    REPAINT,
    SEGMENT,
    failed,
    grow,
    is_result,
    load,
    names,
    offsets,
    opaque,
    succeeded,
)
from gimp_workbench import turn, workbench

Call = Callable[..., Gimp.ValueArray]
SIDE = 260


@pytest.fixture
def couple() -> Gimp.Image:
    """The portrait twice, side by side on one layer."""
    image = load(PORTRAIT)
    image.scale(SIDE, SIDE)
    image.resize(2 * SIDE, SIDE, 0, 0)
    copy = image.get_layers()[0].copy()
    image.insert_layer(copy, None, 0)
    copy.set_offsets(SIDE, 0)
    image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE).flatten()
    return image


def groups(image: Gimp.Image) -> list[Gimp.GroupLayer]:
    """The part groups, the left person's first."""
    found = [layer for layer in image.get_layers() if layer.is_group()]
    return sorted(found, key=lambda group: offsets(group)[0])


def paint(group: Gimp.GroupLayer) -> None:
    seen = [layer for layer in group.get_children() if opaque(layer) > 200]
    grow(seen[0])


def is_left(image: Gimp.Image, name: str) -> bool:
    layer = next(layer for layer in image.get_layers() if layer.get_name() == name)
    return offsets(layer)[0] + layer.get_width() / 2 < SIDE


def test_the_one_that_was_painted_is_repainted(call: Call, couple: Gimp.Image) -> None:
    image = couple
    photo = image.get_layers()[0]
    succeeded(call(SEGMENT, image, [photo]))
    left, right = groups(image)
    paint(left)
    report = succeeded(call(REPAINT, image, [photo], steps=2, name="one"))
    assert is_left(image, report["layer"])
    paint(right)
    other = left.get_children()[:1]  # a layer of the one that was not painted since
    report = succeeded(call(REPAINT, image, other, steps=2, name="two"))
    assert not is_left(image, report["layer"])
    # nothing new anywhere: the one that is selected, again
    report = succeeded(call(REPAINT, image, other, steps=2, name="three"))
    assert is_left(image, report["layer"])


def test_nothing_painted_on_anybody_is_told(call: Call, couple: Gimp.Image) -> None:
    image = couple
    succeeded(call(SEGMENT, image, image.get_layers()))
    assert "Nothing was repainted" in failed(call(REPAINT, image, None, steps=2))
    assert len(names(image)) == 3


def test_a_selection_round_a_new_face_opens_that_one(call: Call, couple: Gimp.Image) -> None:
    image = couple
    photo = image.get_layers()[0]
    image.select_rectangle(Gimp.ChannelOps.REPLACE, SIDE + 20, 20, SIDE - 40, SIDE - 40)
    succeeded(call(SEGMENT, image, [photo]))
    (right,) = groups(image)
    assert offsets(right)[0] >= SIDE - 60
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 20, 20, SIDE - 40, SIDE - 40)
    report = succeeded(call(APPLY, image, [photo], edit="smile"))
    assert is_left(image, report["layer"])
    again = succeeded(call(APPLY, image, [photo], edit="smile", scale=0.5))  # known by now
    assert again["layer"] == "Smile 0.5" and is_left(image, "Smile 0.5")
    assert report["layer"] not in names(image)
    # selected by its own layer, the right one is meant in spite of the selection
    report = succeeded(call(APPLY, image, right.get_children()[:1], edit="smile"))
    assert not is_left(image, report["layer"])


def test_who_cannot_be_opened_is_not_opened_again_and_again(segmented: Gimp.Image) -> None:
    """A model that was removed while the window was open: said once, with what to do."""
    with workbench(segmented) as bench:
        turn(lambda: bench.person and bench.person.is_open)
        bench.person.subject = replace(bench.person.subject, bundle="gone")
        bench.reopen(bench.person)
        turn(lambda: bench.shown.problems)
        (sentence,) = bench.shown.problems
        assert "“gone” is no longer installed" in sentence
        turn(lambda: not bench.asking.is_busy)
        bench.touched = 0.0  # nobody has done anything for long
        for _look in range(3):
            bench.go_on()
            assert not bench.asking.is_busy
        bench.open(bench.person, anew=False)  # asked for, it is tried again
        turn(lambda: len(bench.shown.problems) == 2)
        bench.shown.problems.clear()


def test_commands_of_the_window_are_meant_for_whom_it_works_on(
    call: Call, couple: Gimp.Image, plug_in: None
) -> None:
    """Whatever layer is selected: the other person's result, say."""
    from commands import save_edit
    from image import subjects

    image = couple
    succeeded(call(SEGMENT, image, None))
    everybody = sorted(subjects.all_of(image), key=lambda one: subjects.centre(one.quad)[0])
    left, right = (one.number for one in everybody)

    def meant() -> int:
        return subjects.meant(image, result).number

    succeeded(call(APPLY, image, [groups(image)[0]], edit="smile", scale=0.5))
    result = [layer for layer in image.get_layers() if is_result(layer)]
    assert meant() == left and save_edit.newest(image, result, everybody[0])
    with subjects.worked_on(image, right):
        assert meant() == subjects.owner(image, result).number == right
        assert save_edit.newest(image, result, everybody[1]) is None
        assert subjects.meant(load(PORTRAIT), []) is None  # of other images it says nothing
    assert meant() == left


def test_the_image_knows_whom_a_command_of_the_window_is_meant_for(plug_in: None) -> None:
    """Nobody had kept anything, so it did not: the command took somebody else, or nobody."""
    from image import subjects

    image = load(PORTRAIT)
    with workbench(image) as bench:
        assert bench.remember_person() is None  # nobody is found yet
        turn(lambda: bench.person and bench.person.is_open)
        dirty = image.is_dirty()
        number = bench.remember_person()
        (known,) = subjects.all_of(image)
        assert known.number == number and known.w_plus == bench.person.subject.w_plus
        assert image.is_dirty() == dirty and len(names(image)) == 1
        assert bench.remember_person() == number and len(subjects.all_of(image)) == 1


def test_a_photo_of_something_else_is_opened_by_the_model_that_is_chosen(plug_in: None) -> None:
    """Where no face is found; cars are not found either, so it is the selection that counts."""
    image = load(PORTRAIT)
    image.get_layers()[0].fill(Gimp.FillType.WHITE)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 200, 300, 200)
    with workbench(image) as bench:
        bench.shown.model = "cars"
        turn(lambda: bench.shown.problems)
        (sentence,) = bench.shown.problems
        assert "choose a model" in sentence and not bench.people
        bench.shown.problems.clear()
        bench.shown.action()
        turn(lambda: bench.person and bench.person.is_open)
        assert bench.person.subject.bundle == "cars"
        assert bench.person.middle == (250.0, 300.0)
        from windows.people_column import row_names

        assert row_names(1, bench.domain) == ["This subject"]
    assert row_names(2, "faces") == ["Face 1", "Face 2"]


def test_a_command_that_finds_somebody_first_takes_nobodys_place_in_the_window(
    call: Call, couple: Gimp.Image, plug_in: None
) -> None:
    """The window had numbered the people; whom a command remembered first was another one's."""
    image = couple
    with workbench(image) as bench:
        turn(lambda: bench.person and bench.person.is_open)
        left, right = bench.people
        chosen, other = (left, right) if bench.person is left else (right, left)
        assert chosen.number == 1 or other.number == 1
        first = next(person for person in bench.people if person.number == 1)
        second = other if first is chosen else chosen
        x = round(second.middle[0])
        image.select_rectangle(Gimp.ChannelOps.REPLACE, x - 40, 60, 80, 140)
        succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
        Gimp.Selection.none(image)
        turn(lambda: second.number == 1)
        assert first.number > 1
        assert [entry.title for entry in second.stack.entries] == ["Smile"]
        assert first.stack is None or not first.stack.entries
        assert bench.remember_person() == chosen.number
