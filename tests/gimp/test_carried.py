"""The subject's frame is carried along when the image is flipped, turned, cropped or scaled."""

import math
from collections.abc import Callable

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
    load,
    names,
    offsets,
    part,
    part_group,
    parts_by_size,
    projection,
    size,
    succeeded,
)

Call = Callable[..., Gimp.ValueArray]
Act = Callable[[Gimp.Image], None]
Place = Callable[[float, float], tuple[float, float]]
STACK = "editgan-stack"
SIDE = 512  # of the portrait


def flip(image: Gimp.Image) -> None:
    image.flip(Gimp.OrientationType.HORIZONTAL)


def turn(kind: Gimp.RotationType) -> Act:
    return lambda image: image.rotate(kind)


def crop(image: Gimp.Image) -> None:
    image.crop(430, 470, 40, 25)


def wide_canvas(image: Gimp.Image) -> None:
    image.resize(700, 600, 90, 30)


def scale(factor: float) -> Act:
    return lambda image: image.scale(round(SIDE * factor), round(SIDE * factor))


def straighten(image: Gimp.Image) -> None:
    """As the rotate tool does it with an image: all layers and paths, about the middle."""
    group = part_group(image)
    for item in [*image.get_layers(), *image.get_paths()]:
        item.transform_rotate(math.radians(4), False, SIDE / 2, SIDE / 2)
    assert group.is_valid()


def straightened(x: float, y: float) -> tuple[float, float]:
    c, s = math.cos(math.radians(4)), math.sin(math.radians(4))
    dx, dy = x - SIDE / 2, y - SIDE / 2
    return SIDE / 2 + c * dx - s * dy, SIDE / 2 + s * dx + c * dy


R = Gimp.RotationType
WHOLE: list[tuple[Act, Place]] = [
    (flip, lambda x, y: (SIDE - x, y)),
    (turn(R.DEGREES90), lambda x, y: (SIDE - y, x)),
    (turn(R.DEGREES180), lambda x, y: (SIDE - x, SIDE - y)),
    (turn(R.DEGREES270), lambda x, y: (y, SIDE - x)),
    (crop, lambda x, y: (x - 40, y - 25)),
    (wide_canvas, lambda x, y: (x + 90, y + 30)),
    (scale(0.6), lambda x, y: (0.6 * x, 0.6 * y)),
    (scale(1.5), lambda x, y: (1.5 * x, 1.5 * y)),
    (straighten, straightened),
]
NAMES = ["flip", "90", "180", "270", "crop", "canvas", "smaller", "larger", "straighten"]


def middle(layer: Gimp.Layer) -> tuple[float, float]:
    (x, y), (w, h) = offsets(layer), size(layer)
    return x + w / 2, y + h / 2


def stacks(image: Gimp.Image) -> list[Gimp.Layer]:
    return [layer for layer in image.get_layers() if layer.get_parasite(STACK)]


@pytest.mark.parametrize(("act", "place"), WHOLE, ids=NAMES)
def test_sliders_and_part_layers_survive(
    call: Call, segmented: Gimp.Image, act: Act, place: Place
) -> None:
    image = segmented
    succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
    before = middle(stacks(image)[0])
    act(image)
    succeeded(call(APPLY, image, None, edit="smile", scale=0.75))
    (smile,) = stacks(image)
    assert smile.get_name() == "Smile 0.75"
    assert math.dist(middle(smile), place(*before)) < 14
    painted = parts_by_size(image)[0]
    where = middle(painted)
    grow(painted)
    report = succeeded(call(REPAINT, image, None, steps=2))
    assert report["edited_parts"] == [painted.get_name()]
    result = next(x for x in image.get_layers() if x.get_name() == report["layer"])
    assert math.dist(middle(result), where) < 80


def test_a_file_that_was_opened_again_is_cropped(call: Call, segmented: Gimp.Image) -> None:
    """The first thing that happens to it: nothing was written anew before."""
    image = segmented
    crop(image)
    succeeded(call(APPLY, image, None, edit="smile"))
    painted = parts_by_size(image)[0]
    grow(painted)
    report = succeeded(call(REPAINT, image, None, steps=2))
    assert report["edited_parts"] == [painted.get_name()]


def test_again_after_a_crop_it_is_the_same_subject(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
    crop(image)
    before = names(image)
    succeeded(call(SEGMENT, image, image.get_layers()[-1:]))
    assert names(image) == before
    assert not any(name.endswith("-2") for name in image.get_parasite_list())
    assert part(image, "nose")


def photo_of(image: Gimp.Image) -> Gimp.Layer:
    return image.get_layers()[-1]


ALONE: list[Act] = [
    lambda image: photo_of(image).transform_flip_simple(Gimp.OrientationType.HORIZONTAL, True, 0),
    lambda image: photo_of(image).transform_rotate_simple(R.DEGREES90, True, 0, 0),
    lambda image: photo_of(image).scale(300, 300, True),
    lambda image: photo_of(image).set_offsets(60, 45),
]


@pytest.mark.parametrize("act", ALONE, ids=["flip", "turn", "scale", "move"])
def test_a_photo_without_its_part_layers_is_told(
    call: Call, segmented: Gimp.Image, act: Act
) -> None:
    """Sliders go on; a repaint would be nonsense."""
    image = segmented
    act(image)
    grow(parts_by_size(image)[0])
    before, shown = names(image), projection(image)
    assert "part layers no longer lie on the face" in failed(call(REPAINT, image, None, steps=2))
    assert (names(image), projection(image)) == (before, shown)
    assert part_group(image).get_visible()
    succeeded(call(APPLY, image, None, edit="smile"))


def test_a_face_that_is_gone_is_told(call: Call, segmented: Gimp.Image) -> None:
    image = segmented
    photo_of(image).fill(Gimp.FillType.WHITE)
    before = names(image)
    assert "not found again" in failed(call(APPLY, image, None, edit="smile"))
    assert names(image) == before


def test_undo_takes_the_frame_back(call: Call, segmented: Gimp.Image) -> None:
    """What was kept after a flip is right for the flipped image only."""
    image = segmented
    succeeded(call(APPLY, image, None, edit="smile"))
    at = middle(stacks(image)[0])
    flip(image)
    succeeded(call(APPLY, image, None, edit="smile", scale=0.5))
    flip(image)
    succeeded(call(APPLY, image, None, edit="smile", scale=0.75))
    assert math.dist(middle(stacks(image)[0]), at) < 10


@pytest.mark.parametrize("command", ["segment", "apply", "repaint"])
def test_an_image_that_is_flipped_while_a_job_runs_is_left_alone(
    plug_in: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """What was made for the picture of before would lie beside the face."""
    from commands import apply, repaint, segment
    from commands.embedding import Wish
    from link.errors import PlugInError
    from link.session import Session
    from windows.views import LabelView

    image = request.getfixturevalue("repainted" if command == "repaint" else "segmented")
    view, kind = LabelView(str), command.capitalize()
    ask, before = Session.request, names(image)

    def ask_and_flip(session: Session, message: object, *span: tuple[float, float]) -> object:
        answer = ask(session, message, *span)
        if type(message).__name__ == kind:
            flip(image)
        return answer

    monkeypatch.setattr(Session, "request", ask_and_flip)
    with pytest.raises(PlugInError, match="meanwhile, so nothing was added"):
        if command == "segment":
            segment.run(image, [], Wish("faces", "fast"), view)
        elif command == "apply":
            apply.run(image, [], edits=[("smile", 0.5)], refine=0, view=view)
        else:
            repaint.run(image, [], steps=2, name="Nose", save_as="", view=view)
    assert names(image) == before


def test_an_image_that_is_flipped_while_faces_are_looked_for_is_looked_at_again(
    plug_in: None, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the face was before is beside it now."""
    from commands import segment
    from commands.embedding import Wish
    from image import subjects
    from link.session import Session
    from windows.views import LabelView

    wish, view = Wish("faces", "fast"), LabelView(str)
    image = load(PORTRAIT)
    flip(image)
    segment.run(image, [], wish, view)
    right = subjects.centre(subjects.all_of(image)[0].quad)
    image = load(PORTRAIT)
    ask, asked = Session.request, []

    def ask_and_flip(session: Session, message: object, *span: tuple[float, float]) -> object:
        answer = ask(session, message, *span)
        asked.append(type(message).__name__)
        if asked == ["Detect"]:
            flip(image)
        return answer

    monkeypatch.setattr(Session, "request", ask_and_flip)
    segment.run(image, [], wish, view)
    assert asked[:3] == ["Detect", "Detect", "Segment"]
    (found,) = subjects.all_of(image)
    assert math.dist(subjects.centre(found.quad), right) < 4


def test_an_image_that_is_flipped_between_two_faces_is_left_alone(
    plug_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commands import embedding
    from image import photos
    from link.errors import PlugInError
    from link.session import Session
    from protocol.messages import Subject
    from windows.views import LabelView

    image = load(PORTRAIT)
    photo = photos.find(image, [])
    quad = (120.0, 100.0, 120.0, 400.0, 420.0, 400.0, 420.0, 100.0)
    one = Subject(quad, photos.Rect(110, 90, 320, 320), 1.0)
    ask = Session.request

    def ask_and_flip(session: Session, message: object, *span: tuple[float, float]) -> object:
        answer = ask(session, message, *span)
        flip(image)
        return answer

    monkeypatch.setattr(Session, "request", ask_and_flip)
    wish = embedding.Wish("faces", "fast")
    turned = pytest.raises(PlugInError, match="meanwhile, so nothing was added")
    with Session(LabelView(str)) as session, turned:
        embedding.embed_each(session, photo, [one, one], wish, (0.0, 1.0))
