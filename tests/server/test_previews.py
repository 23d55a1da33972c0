"""Looking at edits: stacks for a slider, thumbnails for a list."""

from __future__ import annotations

from array import array

from backend_harness import error_of, segment
from protocol import messages as m
from protocol.client import Connection


def vector(value: float, width: int = 8) -> m.Pixels:
    return m.Pixels(width, 4, 1, "f32", array("f", [value] * width * 4).tobytes())


def ref(value: float, scale: float = 1.0) -> m.EditRef:
    return m.EditRef(vector=vector(value), parts=("hair",), scale=scale)


def red(pixels: m.Pixels | None) -> int:
    assert pixels is not None
    return bytes(pixels.data)[0]


def made(pixels: m.Pixels | None) -> int:
    """Which of the engine's pictures it is."""
    assert pixels is not None
    return bytes(pixels.data)[2]


def test_a_stack_is_summed_and_none_is_the_photo(connection: Connection) -> None:
    connection.request(segment())
    nothing = connection.request(m.PreviewStack("p1", []))
    assert (nothing.pixels.width, nothing.pixels.height, red(nothing.pixels)) == (384, 384, 100)
    both = connection.request(m.PreviewStack("p1", [ref(10), ref(20, -0.5)], side=64))
    assert (both.pixels.width, red(both.pixels)) == (64, 100)
    assert red(connection.request(m.PreviewStack("p1", [ref(10, 2.0)])).pixels) == 120


def test_a_stack_comes_as_a_layer_where_that_is_asked_for(connection: Connection) -> None:
    """It lies in the photo's pixels, as Apply's does; without edits there is none."""
    sent = segment()
    connection.request(sent)
    assert connection.request(m.PreviewStack("p1", [ref(10)])).layer is None
    assert connection.request(m.PreviewStack("p1", [], on_photo=True)).layer is None
    layer = connection.request(m.PreviewStack("p1", [ref(10)], on_photo=True)).layer
    x, y, _width, _height = sent.rect
    assert layer.rect == (x + 1, y + 3, 2, 2)
    assert red(layer.pixels) == 110


def test_thumbnails_are_made_once(connection: Connection) -> None:
    connection.request(segment())
    first = connection.request(m.PreviewEdits("p1", [ref(10), ref(20)])).thumbnails
    assert [red(look.pixels) for look in first] == [110, 120]
    again = connection.request(m.PreviewEdits("p1", [ref(30), ref(20), ref(10)])).thumbnails
    assert [red(look.pixels) for look in again] == [130, 120, 110]
    assert [made(look.pixels) for look in again] == [3, 2, 1]
    other = connection.request(m.PreviewEdits("p1", [ref(10, 0.5)])).thumbnails
    assert made(other[0].pixels) == 4
    connection.request(segment())  # the same again: what was made stays
    still = connection.request(m.PreviewEdits("p1", [ref(10)])).thumbnails
    assert made(still[0].pixels) == 1 and red(still[0].pixels) == 110
    connection.request(segment(w_plus=m.Pixels(8, 4, 1, "f32", bytes(128))))  # another code
    connection.request(m.PreviewEdits("p1", [ref(30)]))
    anew = connection.request(m.PreviewEdits("p1", [ref(10)])).thumbnails
    assert made(anew[0].pixels) == 2


def test_an_edit_that_cannot_be_shown_does_not_hide_the_others(connection: Connection) -> None:
    connection.request(segment())
    foreign = m.EditRef(vector=vector(1, width=2), parts=("hair",))
    looks = connection.request(
        m.PreviewEdits("p1", [m.EditRef("none"), ref(10), foreign])
    ).thumbnails
    assert [red(look.pixels) if look.pixels else None for look in looks] == [None, 110, None]
    assert "no edit 'none'" in looks[0].problem
    assert "a different model" in looks[2].problem


def test_errors(connection: Connection) -> None:
    assert error_of(connection, m.PreviewStack("p1", [])).code == "unknown_photo"
    assert error_of(connection, m.PreviewEdits("p1", [])).code == "unknown_photo"
    connection.request(segment())
    assert error_of(connection, m.PreviewStack("p1", [m.EditRef("none")])).code == "unknown_edit"
    assert connection.request(m.PreviewEdits("p1", [])).thumbnails == []
