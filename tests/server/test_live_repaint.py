"""Live repaints and borrowing over real sockets, against a real server with a small engine."""

from __future__ import annotations

import threading
from array import array

import pytest

from backend_harness import error_of, live, repaint, segment, wait_until
from protocol import messages as m
from protocol.client import Connection, new_job

FOREVER = 10_000  # steps: 100 s, longer than any test waits


def first(vector: m.Pixels) -> float:
    return array("f", bytes(vector.data))[0]


def test_goes_on_from_the_last_iterate_unless_told_to_begin(connection: Connection) -> None:
    connection.request(segment())
    calls = [live("hair"), live("hair"), live("hair", resume=False), live("hair")]
    assert [first(connection.request(call).vector) for call in calls] == [1, 2, 1, 2]
    connection.request(segment("p2"))
    assert first(connection.request(live("hair", photo="p2")).vector) == 1


def test_a_target_that_cannot_be_followed_ends_the_line(connection: Connection) -> None:
    connection.request(segment())
    connection.request(live("hair"))
    assert error_of(connection, live("bad")).code == "nothing_changed"
    assert first(connection.request(live("hair")).vector) == 1


def test_the_next_stroke_goes_on_from_one_that_was_ended(connection: Connection) -> None:
    connection.request(segment())
    job, events, results = new_job(), [], []

    def follow() -> None:
        results.append(connection.request(live("slow", FOREVER), events.append, job))

    older = threading.Thread(target=follow)
    older.start()
    wait_until(lambda: any("Step" in getattr(e, "text", "") for e in events), "a step")
    connection.cancel(job, keep=True)
    older.join(60)
    newer = connection.request(live("hair"))
    assert results[0].report.steps < FOREVER
    assert [first(results[0].vector), first(newer.vector)] == [1, 2]


def test_whether_a_photo_is_open_can_be_asked(connection: Connection) -> None:
    assert error_of(connection, m.HasPhoto("p1")).code == "unknown_photo"
    connection.request(segment())
    assert connection.request(m.HasPhoto("p1")) == m.PhotoKnown("p1")


def test_a_repaint_starts_from_a_vector(connection: Connection) -> None:
    connection.request(segment())
    vector = connection.request(live("hair")).vector
    request = m.Repaint("p1", repaint("hair").layers, 0, vector)
    assert first(connection.request(request).vector) == 1


def test_borrow_takes_from_another_open_photo(connection: Connection) -> None:
    connection.request(segment("p1", value=100))
    connection.request(segment("p2", value=130))
    edited = connection.request(m.Borrow("p1", "p2", ("hair",), "shape", 7))
    assert first(edited.vector) == 30
    assert edited.parts == ("hair",)
    assert (edited.report.take, edited.report.steps) == ("shape", 7)
    assert error_of(connection, m.Borrow("p1", "gone", ("hair",))).code == "unknown_photo"


def test_borrow_needs_a_part(connection: Connection) -> None:
    with pytest.raises(m.ProtocolError, match="at least one part"):
        connection.request(m.Borrow("p1", "p2", ()))


@pytest.mark.parametrize("size", [(8, 8), (7, 8)])
def test_an_outline_has_the_size_of_its_picture(size: tuple[int, int]) -> None:
    pixels, line = m.Pixels(8, 8, 3, "u8", bytes(192)), m.Pixels(*size, 1, "u8", bytes(size[0] * 8))
    if size == (8, 8):
        assert m.Preview(pixels, (0, 0, 80, 80), line).outline is line
    else:
        with pytest.raises(m.ProtocolError, match="outline"):
            m.Preview(pixels, (0, 0, 80, 80), line)
