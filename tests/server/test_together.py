"""Several clients at once: nobody waits for the worst that another one does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import msgpack
import numpy as np
import pytest
import zmq

from backend_harness import Backend, error_of, repaint, rgb, segment, wait_until
from protocol import connection_file, framing, paths
from protocol import messages as m
from protocol.client import Connection, new_job
from protocol.errors import BackendError


class Working:
    """A job on a thread of its own, at work when this is made; unless `at_once`, it may wait."""

    def __init__(self, connection: Connection, request: m.JobRequest, at_once: bool = True) -> None:
        self.job = new_job()
        self.result: m.Message | BackendError | None = None
        self.begun = threading.Event()
        self._connection = connection
        self._thread = threading.Thread(target=self._work, args=(connection, request))
        self._thread.start()
        assert not at_once or self.begun.wait(60)

    def _work(self, connection: Connection, request: m.JobRequest) -> None:
        try:
            self.result = connection.request(request, self._hear, self.job)
        except BackendError as error:
            self.result = error

    def _hear(self, event: m.Event) -> None:
        if isinstance(event, m.Progress) and event.text not in ("Getting ready", "Waiting"):
            self.begun.set()

    def end(self, keep: bool = False) -> m.Message | BackendError | None:
        self._connection.cancel(self.job, keep=keep)
        return self.wait()

    def wait(self) -> m.Message | BackendError | None:
        self._thread.join(60)
        return self.result


@pytest.fixture
def other(backend: Backend) -> Iterator[Connection]:
    with backend.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    "quick", [m.PreviewStack("p2", []), m.HasPhoto("p2"), m.PreviewEdits("p2", [])]
)
def test_previews_run_between_the_steps_of_others(
    connection: Connection, other: Connection, quick: m.JobRequest
) -> None:
    connection.request(segment())
    other.request(segment("p2"))
    working = Working(connection, repaint("slow", 10_000))
    for _ in range(3):
        other.request(quick)
    assert working.result is None, "it goes on"
    assert connection.status().running == "Repaint"
    ended = working.end()
    assert isinstance(ended, BackendError) and ended.code == "cancelled"


def test_a_preview_that_fails_between_steps_harms_only_itself(
    connection: Connection, other: Connection
) -> None:
    connection.request(segment())
    working = Working(connection, repaint("slow", 10_000))
    assert error_of(other, m.PreviewStack("none", [])).code == "unknown_photo"
    assert working.result is None
    assert isinstance(working.end(keep=True), m.Edited)


def test_work_waits_for_work(connection: Connection, other: Connection) -> None:
    connection.request(segment())
    first = Working(connection, repaint("slow", 10_000))
    second = Working(other, segment("p2"), at_once=False)
    wait_until(lambda: connection.status().queued, "the second job waits")
    assert connection.status().running == "Repaint"
    assert isinstance(first.end(keep=True), m.Edited)
    assert isinstance(second.wait(), m.Segmented), "its turn comes after the first"


def test_a_job_that_hears_nothing_is_given_up(start: Callable[..., Backend]) -> None:
    """The photos stay, and the work of others goes on."""
    with start("--patience", "0.5").connect() as connection:
        connection.request(segment())
        working = Working(connection, repaint("stone", 10_000))
        wait_until(lambda: connection.status().running == "Repaint", "the job runs")
        connection.cancel(working.job)
        assert connection.status().running == "Repaint", "it still does, whatever its client heard"
        connection.request(repaint("hair"))
        wait_until(lambda: connection.status().running is None, "the hanging job is given up")
        assert connection.request(segment("p2")).photo == "p2"
        assert "is given up; it hangs in" in connection.log()


def test_the_one_that_hangs_between_the_steps_of_another(start: Callable[..., Backend]) -> None:
    backend = start("--patience", "0.5")
    with backend.connect() as connection, backend.connect() as other:
        connection.request(segment())
        working = Working(connection, repaint("slow", 10_000))
        assert working.end().code == "cancelled"  # type: ignore[union-attr]
        other.request(segment("p2"))


def test_a_message_that_is_much_work_delays_no_question(connection: Connection) -> None:
    raw = zmq.Context()
    socket = raw.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(connection_file.read(paths.connection_file()).jobs)
    socket.send_multipart(framing.pack("hello", m.Hello("test")))
    assert socket.poll(60_000) and socket.recv_multipart()
    edits = [{"name": "a", "parts": ["p"] * 4000, "scale": 1.0}] * 20
    fields = {"photo": "none", "edits": edits}
    worst = msgpack.packb({"type": "Apply", "job": "worst", "fields": fields})
    for _ in range(10):
        socket.send(worst)
    connection.ping()
    assert connection.cancel("worst") in (True, False)
    connection.status()
    answered = 0
    while socket.poll(0):
        socket.recv_multipart()
        answered += 1
    assert answered < 10, "the questions were answered before"
    raw.destroy(linger=0)


def test_a_job_that_is_cancelled_while_it_is_read(connection: Connection) -> None:
    """The cancel overtakes the job, on the other socket."""
    connection.request(segment())
    info = connection_file.read(paths.connection_file())
    raw = zmq.Context()
    socket = raw.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(info.jobs)
    socket.send_multipart(framing.pack("hello", m.Hello("test")))
    assert socket.poll(60_000) and socket.recv_multipart()
    edits = [{"name": "a", "parts": ["p"] * 4000, "scale": 1.0}] * 20
    worst = {"type": "Apply", "job": "w", "fields": {"photo": "none", "edits": edits}}
    for _ in range(3):
        socket.send(msgpack.packb(worst))
    socket.send_multipart(framing.pack("late", repaint("slow", 10_000)))
    connection.cancel("late")
    while True:
        assert socket.poll(60_000)
        job, reply = framing.unpack(socket.recv_multipart())
        if job == "late" and not isinstance(reply, m.Event):
            break
        connection.cancel("late")  # where it was read already
    assert isinstance(reply, m.ErrorReply) and reply.code == "cancelled"
    raw.destroy(linger=0)


def test_a_client_that_is_heard_stays_known(start: Callable[..., Backend]) -> None:
    backend = start("--clients", "6")
    with backend.connect() as connection:
        connection.request(segment())
        for _ in range(6):
            connection.ping()
            connection.request(m.HasPhoto("p1"))
            backend.connect().close()
        assert "not_greeted" not in connection.log()


def test_a_client_that_was_forgotten_greets_again(start: Callable[..., Backend]) -> None:
    backend = start("--clients", "2")
    with backend.connect() as connection:
        connection.request(segment())
        for _ in range(3):
            backend.connect().close()
        connection.ping()
        for _ in range(3):
            backend.connect().close()
        assert connection.request(m.HasPhoto("p1")) == m.PhotoKnown("p1")


@pytest.mark.parametrize("value", [1e38, -2e4])
def test_vectors_that_no_picture_can_be_drawn_from(connection: Connection, value: float) -> None:
    connection.request(segment())
    far = m.Pixels(8, 4, 1, "f32", np.full((4, 8), value, np.float32).tobytes())
    edit = m.EditRef(vector=far, parts=("hair",))
    (look,) = connection.request(m.PreviewEdits("p1", [edit])).thumbnails
    assert "beyond" in look.problem
    requests: list[m.JobRequest] = [
        m.Apply("p1", [edit]),
        m.PreviewStack("p1", [edit]),
        m.Repaint("p1", repaint("hair").layers, 1, far),
        m.SaveEdit("p1", "far", "", ("hair",), far),
        segment(w_plus=far),
    ]
    for request in requests:
        assert error_of(connection, request).code == "bad_setting"


SQUARE = (30.0, 20.0, 30.0, 60.0, 70.0, 60.0, 70.0, 20.0)


@pytest.mark.parametrize(
    "change",
    [
        {"quad": (30.0, 20.0) * 4},  # no area
        {"quad": (30.0, 20.0, 30.0, 60.0, 31.0, 60.0, 31.0, 20.0)},  # one pixel wide
        {"quad": (30.0, 20.0, 30.0, 60.0, 500.0, 900.0, 70.0, 20.0)},  # no parallelogram
        {"quad": (0.0, 0.0, 40.0, 40.0, 80.0, 80.0, 40.0, 40.0)},  # flat
        {"quad": tuple(value + 1000 for value in SQUARE)},  # far from the pixels
        {"quad": (-1e6, -1e6, -1e6, 1e6, 1e6, 1e6, 1e6, -1e6)},  # far larger than them
        {"rect": (40, 10, 1, 58), "pixels": rgb(1, 58)},
    ],
)
def test_frames_that_no_work_fits(connection: Connection, change: dict[str, object]) -> None:
    assert error_of(connection, segment(**change)).code == "bad_image"
    assert connection.request(segment(quad=SQUARE)).photo == "p1"
