"""Rectangles."""

from __future__ import annotations

import pytest

from protocol.geometry import Rect
from protocol.typed import ProtocolError, from_wire, to_wire


def test_edges_and_area() -> None:
    rect = Rect(2, 3, 10, 20)
    assert (rect.right, rect.bottom, rect.area) == (12, 23, 200)
    assert not rect.is_empty and Rect(0, 0, 0, 5).is_empty


def test_what_two_cover() -> None:
    assert Rect(0, 0, 10, 10).intersected(Rect(5, -5, 10, 10)) == (5, 0, 5, 5)
    assert Rect(0, 0, 10, 10).intersected(Rect(20, 20, 5, 5)).area == 0


def test_moved_scaled_grown() -> None:
    assert Rect(1, 2, 3, 4).moved(10, -2) == (11, 0, 3, 4)
    assert Rect(1, 2, 3, 4).scaled(2) == (2, 4, 6, 8)
    assert Rect(10, 10, 1, 1).scaled(0.1) == (1, 1, 1, 1)
    assert Rect(10, 10, 5, 5).grown(2) == (8, 8, 9, 9)


def test_on_the_wire_it_is_a_list() -> None:
    assert to_wire(Rect(1, 2, 3, 4), []) == [1, 2, 3, 4]
    found = from_wire(Rect, [1, 2, 3, 4], (), "rect")
    assert isinstance(found, Rect) and found.right == 4
    for wrong in ([1, 2, 3], [1, 2, 3, 4.5], "abcd", {"x": 1}):
        with pytest.raises(ProtocolError):
            from_wire(Rect, wrong, (), "rect")
