"""What does not belong on the wire: typed answers where there can be one, and no harm done."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgpack
import pytest
import zmq

from backend_harness import (
    CHECKOUT,
    Backend,
    error_of,
    repaint,
    rgb,
    segment,
    told,
    wait_until,
)
from protocol import PROTOCOL_VERSION, connection_file, framing, paths
from protocol import messages as m
from protocol.client import Connection
from protocol.errors import BackendError

WAIT_MS = 60_000


class Raw:
    """A socket that sends whatever frames it is given."""

    def __init__(self, endpoint: str) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def answer(self) -> m.Message:
        assert self.socket.poll(WAIT_MS), "no answer"
        return framing.unpack(self.socket.recv_multipart())[1]

    def exchange(self, message: m.Message, job: str = "j") -> m.Message:
        self.send(*map(bytes, framing.pack(job, message)))
        return self.answer()


@pytest.fixture(params=["jobs", "control"])
def raw(request: pytest.FixtureRequest, connection: Connection) -> Iterator[Raw]:
    info = connection_file.read(paths.connection_file())
    raw = Raw(getattr(info, request.param))
    yield raw
    raw.context.destroy(linger=0)


def header(**changes: object) -> bytes:
    return msgpack.packb({"type": "Ping", "job": "j", "fields": {}, **changes})


def hello(**changes: object) -> bytes:
    fields = {"client": "test", "protocol": "editgan", "version": PROTOCOL_VERSION, **changes}
    return header(type="Hello", fields=fields)


def code(reply: m.Message) -> str:
    assert isinstance(reply, m.ErrorReply)
    return reply.code


@pytest.mark.parametrize(
    "version", [0, PROTOCOL_VERSION - 1, PROTOCOL_VERSION + 1, 10**9, -1, "1", None, [1], {}]
)
def test_other_versions_are_told_so(raw: Raw, version: object) -> None:
    raw.send(hello(version=version, field_of_tomorrow=1))
    assert code(raw.answer()) == "protocol_version"


def test_the_first_message_must_be_a_greeting(raw: Raw) -> None:
    assert code(raw.exchange(m.Ping())) == "not_greeted"
    assert code(raw.exchange(m.ListEdits("small"))) == "not_greeted"
    assert isinstance(raw.exchange(m.Hello("test")), m.Welcome)


def test_other_protocols_are_refused(raw: Raw) -> None:
    raw.send(hello(protocol="jupyter"))
    assert code(raw.answer()) == "bad_message"


GARBAGE = [
    [b""],
    [b"\xc1"],
    [b"GET / HTTP/1.1\r\n\r\n"],
    [b"\x80"],
    [header(), b"one frame too many is no harm", b""],
    [header(type="Nonsense")],
    [header(type=7)],
    [header(job="x" * 65)],
    [header(job="a b")],
    [header(job=None)],
    [header(fields=[])],
    [header(fields={"unknown": 1})],
    [header(more=1)],
    [msgpack.packb({1: 2})],
    [msgpack.packb(msgpack.ExtType(5, b"x"))],
    [msgpack.packb(msgpack.Timestamp(1))],
    [b"\x91" * 50_000],
    [b"\xdd\xff\xff\xff\xff"],
    [b"\xc6\xff\xff\xff\xff"],
    [header(type="Hello", fields={"client": "x" * 30_000, "version": PROTOCOL_VERSION})],
    [b"\x81\xa4type\xa4Ping"],
    [header()] * 600,
]


def test_garbage_is_answered_and_forgotten(raw: Raw, connection: Connection) -> None:
    assert isinstance(raw.exchange(m.Hello("test")), m.Welcome)
    for frames in GARBAGE:
        raw.send(*frames)
        reply = raw.answer()
        assert isinstance(reply, m.ErrorReply | m.Pong), frames[0][:40]
        assert isinstance(reply, m.Pong) or reply.code == "bad_message"
    connection.request(segment())
    assert connection.request(repaint("hair")).parts == ("hair",)


def test_random_bytes_do_no_harm(raw: Raw, connection: Connection) -> None:
    generator = random.Random(0)
    assert isinstance(raw.exchange(m.Hello("test")), m.Welcome)
    good = [bytes(frame) for frame in framing.pack("j", repaint("hair"))]
    for _ in range(200):
        frames = [bytearray(frame) for frame in good]
        frame = generator.choice(frames)
        for _ in range(generator.randint(1, 4)):
            frame[generator.randrange(len(frame))] = generator.randrange(256)
        raw.send(*map(bytes, frames))
    connection.ping()
    connection.request(segment())
    assert connection.request(repaint("hair")).parts == ("hair",)


def test_control_messages_do_not_belong_on_the_jobs_socket(connection: Connection) -> None:
    info = connection_file.read(paths.connection_file())
    for endpoint, message in ((info.jobs, m.Shutdown()), (info.control, repaint("hair"))):
        raw = Raw(endpoint)
        raw.exchange(m.Hello("test"))
        assert code(raw.exchange(message)) == "bad_message"
        raw.context.destroy(linger=0)
    connection.ping()


def test_a_job_id_is_used_once(connection: Connection) -> None:
    connection.request(segment())
    raw = Raw(connection_file.read(paths.connection_file()).jobs)
    raw.exchange(m.Hello("test"))
    for _ in range(2):
        raw.send(*map(bytes, framing.pack("same", repaint("slow", 10_000))))
    while isinstance(reply := raw.answer(), m.Event):
        pass
    assert code(reply) == "bad_message"
    raw.context.destroy(linger=0)
    wait_until(lambda: connection.status().running is None, "the job ends with its client")


def test_too_many_waiting_jobs_are_refused(connection: Connection) -> None:
    connection.request(segment())
    raw = Raw(connection_file.read(paths.connection_file()).jobs)
    raw.exchange(m.Hello("test"))
    for number in range(65):
        raw.send(*map(bytes, framing.pack(f"job{number}", repaint("slow", 10_000))))
    while isinstance(reply := raw.answer(), m.Event):
        pass
    assert code(reply) == "busy"
    raw.context.destroy(linger=0)
    wait_until(lambda: connection.status().queued == 0, "the jobs end with their client")


def test_oversized_frames_end_the_connection_that_sends_them(
    backend: Backend, connection: Connection
) -> None:
    raw = Raw(connection_file.read(paths.connection_file()).control)
    raw.exchange(m.Hello("test"))
    raw.send(header(), bytes(framing.MAX_CONTROL_FRAME + 1))
    assert not raw.socket.poll(500), "nobody answers"
    raw.context.destroy(linger=0)
    connection.ping()
    backend.connect().close()


def test_a_raw_socket_that_does_not_speak_zeromq(connection: Connection) -> None:
    endpoint = connection_file.read(paths.connection_file()).jobs.removeprefix("ipc://")
    for junk in (b"", b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\xff" + bytes(9)):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(endpoint)
            client.sendall(junk)
    connection.ping()


@pytest.mark.parametrize(
    "change",
    [
        {"quad": (0.0,) * 7 + (2.0**30,)},
        {"rect": (0, 0, 0, 5)},
        {"rect": (50, 30, 60, 58)},  # leaves the photo
        {"pixels": rgb(60, 57)},
        {"pixels": m.Pixels(60, 58, 1, "u8", bytes(60 * 58))},
        {"w_plus": m.Pixels(1, 1, 1, "f32", b"\0\0\xc0\x7f")},  # NaN
        {"level": "best"},
        {"photo": ""},
        {"width": 0},
    ],
)
def test_unfit_requests_do_not_leave_the_client(change: dict[str, object]) -> None:
    with pytest.raises(m.ProtocolError):
        framing.pack("j", segment(**change))


def test_a_code_of_another_shape_is_an_error(connection: Connection) -> None:
    """The engine's business: a small engine takes any, so only that nothing breaks."""
    code = m.Pixels(3, 2, 1, "f32", bytes(24))
    connection.request(segment(w_plus=code))
    vector = m.Pixels(8, 4, 1, "f32", bytes(128))
    apply = m.Apply("p1", [m.EditRef(vector=vector, parts=("hair",))])
    assert error_of(connection, apply).code == "wrong_bundle"


def test_damaged_embeddings_are_made_again(
    backend: Backend, connection: Connection, home: Path
) -> None:
    connection.request(segment())
    (kept,) = (home / "cache").iterdir()
    for damage in (b"", b"PK\x03\x04 not an archive", kept.read_bytes()[:100]):
        kept.write_bytes(damage)
        # each time as another photo: one that is open needs no file
        assert not connection.request(segment(str(len(damage)))).report.from_cache
    assert connection.request(segment("again")).report.from_cache


def test_a_full_disk_only_costs_the_embedding(start: Callable[..., Backend], home: Path) -> None:
    (home / "cache").write_text("a file where the folder should be")
    with start().connect() as connection:
        assert told(connection.request(segment("one")))["inversions"] == 1
        assert told(connection.request(segment("two")))["inversions"] == 2


def test_a_mistake_of_the_servers_own_ends_nothing(
    start: Callable[..., Backend], home: Path
) -> None:
    """The catalogue cannot be read for a while: the question fails, the backend goes on."""
    with start("--broken-catalogue", str(home / "broken")).connect() as connection:
        (home / "broken").touch()
        with pytest.raises(BackendError) as caught:
            connection.status()
        assert caught.value.code == "internal"
        (home / "broken").unlink()
        assert connection.status().bundles
        connection.request(segment())


def test_a_client_that_dies_with_its_messages_waiting_harms_nobody(tmp_path: Path) -> None:
    """libzmq's heartbeats would abort the process: its sockets here do without them."""
    program = (
        "import sys, time, zmq\n"
        "from backend.server.sockets import listen\n"
        "from pathlib import Path\n"
        "listening = listen(Path(sys.argv[1]), '0')\n"
        "for _ in range(2):\n"
        "    context = zmq.Context()\n"
        "    client = context.socket(zmq.DEALER)\n"
        "    client.sndhwm = client.linger = 0\n"
        "    client.connect(f'ipc://{sys.argv[1]}/jobs.sock')\n"
        "    for _ in range(300):\n"
        "        client.send(bytes(100_000))\n"
        "    time.sleep(0.3)\n"
        "    context.destroy(linger=0)\n"
        "for router in (listening.jobs, listening.control):\n"
        "    assert router.heartbeat_ivl == 0 and router.tcp_keepalive == 1\n"
        "    assert router.tcp_maxrt > 0\n"
        "time.sleep(0.3)\n"
        "print('alive', len(listening.jobs.recv_multipart()))\n"
    )
    words = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.stdout == "alive 2\n", done.stderr
