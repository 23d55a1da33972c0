"""Where a window opens: beside the faces, beside other windows, on the screen."""

from __future__ import annotations

import pytest

from protocol.geometry import Rect

SCREEN = Rect(0, 0, 1440, 900)
SIZE = (500, 640)
FACE = Rect(450, 200, 280, 400)  # of a portrait in the middle of the canvas


def spot(*faces: Rect, others: list[tuple[int, int]] | None = None, **wanted: object) -> Rect:
    from windows.free_spot import free_spot

    return Rect(*free_spot(SCREEN, SIZE, faces, others or [], **wanted), *SIZE)


def covered(window: Rect, face: Rect) -> bool:
    return not window.intersected(face).is_empty


def test_on_the_right_beside_a_face_in_the_middle() -> None:
    window = spot(FACE)
    assert window.x > FACE.right and window.right <= SCREEN.right


def test_on_the_left_of_a_face_on_the_right() -> None:
    face = Rect(900, 200, 280, 400)
    assert not covered(spot(face), face)


def test_where_it_was_unless_a_face_is_there() -> None:
    assert spot(FACE, wanted=(820, 100))[:2] == (820, 100)
    assert not covered(spot(FACE, wanted=(400, 120)), FACE)


def test_a_place_on_a_screen_that_is_gone_comes_back() -> None:
    window = spot(FACE, wanted=(3000, 2000))
    assert window.intersected(SCREEN) == window and not covered(window, FACE)


@pytest.mark.parametrize("wanted", [None, (820, 100), (932, 252)])
def test_beside_each_window_that_is_open(wanted: tuple[int, int] | None) -> None:
    """So that the titles of all are seen, and no face is covered for it."""
    others: list[tuple[int, int]] = []
    for _window in range(4):
        window = spot(FACE, others=others, wanted=wanted)
        assert not covered(window, FACE)
        assert all(max(abs(window.x - x), abs(window.y - y)) >= 20 for x, y in others)
        others.append((window.x, window.y))


def test_where_no_place_is_free_it_covers_the_least() -> None:
    face = Rect(100, 0, 1240, 900)
    least = min(Rect(x, 130, *SIZE).intersected(face).area for x in range(0, 940, 10))
    assert spot(face).intersected(face).area <= least + 8 * 640


@pytest.mark.parametrize("scale", [1, 2])
def test_a_photo_that_is_shrunk_to_fit_is_in_the_middle(scale: int) -> None:
    """Against what GIMP 3.0 showed of a photo of 2500 by 1728 pixels, at 39 %."""
    from windows.free_spot import seen_at

    seen = seen_at(Rect(0, 20, 1440, 880), (2500, 1728), Rect(570, 250, 700, 1000), scale)
    shown = Rect(435, 235, 272, 390)
    both = seen.intersected(shown)
    assert both.area > 0.75 * max(seen.area, shown.area)


def test_a_small_photo_is_not_enlarged() -> None:
    from windows.free_spot import seen_at

    seen = seen_at(Rect(0, 0, 1440, 900), (400, 600), Rect(100, 100, 200, 200))
    assert seen == Rect(620, 250, 200, 200)


def test_between_two_faces_the_one_that_is_worked_on_is_seen() -> None:
    left, right = Rect(420, 300, 200, 260), Rect(810, 300, 200, 260)
    assert not covered(spot(left, right), left)
    assert not covered(spot(right, left), right)
