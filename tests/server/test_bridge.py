"""A real backend, reached through a bridge process, as a Python without pyzmq reaches it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend_harness import (
    CHECKOUT,
    Backend,
    error_of,
    repaint,
    rgb,
    segment,
    wait_until,
)
from protocol import keys, paths, pipe
from protocol import messages as m
from protocol.bridge_link import BridgeLink
from protocol.client import Connection, new_job
from protocol.errors import BackendError


@pytest.fixture(autouse=True)
def bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITGAN_LINK", "bridge")
    monkeypatch.setenv("EDITGAN_PYTHON", sys.executable)


@pytest.fixture
def connection(backend: Backend) -> Iterator[Connection]:
    with backend.connect() as connection:
        yield connection


def bridge_of(connection: Connection) -> subprocess.Popen[bytes]:
    link = connection._link
    assert isinstance(link, BridgeLink) and link.process is not None
    return link.process


def test_work_previews_and_answers_come_through(connection: Connection) -> None:
    heard: list[m.Event] = []
    answer = connection.request(segment(), heard.append)
    assert isinstance(answer, m.Segmented)
    assert any(isinstance(event, m.Progress) for event in heard)
    assert isinstance(connection.request(repaint("hair")), m.Edited)
    assert connection.status().running is None
    connection.ping()
    assert error_of(connection, m.PreviewStack("none", [])).code == "unknown_photo"


def test_large_pictures_come_through(connection: Connection) -> None:
    size = 2000
    quad = (500.0, 500.0, 500.0, 1500.0, 1500.0, 1500.0, 1500.0, 500.0)
    changes = {"quad": quad, "rect": (0, 0, size, size), "width": size, "height": size}
    answer = connection.request(segment("large", pixels=rgb(size, size), **changes))
    assert isinstance(answer, m.Segmented)


def test_cancelling_overtakes_the_job(connection: Connection) -> None:
    connection.request(segment())
    job, begun = new_job(), threading.Event()
    codes: list[str] = []

    def work() -> None:
        try:
            connection.request(repaint("slow", 10_000), lambda _: begun.set(), job)
        except BackendError as error:
            codes.append(error.code)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    assert connection.cancel(job)
    thread.join(60)
    assert codes == ["cancelled"]


def test_hanging_up_ends_the_bridge_and_its_jobs(backend: Backend) -> None:
    with backend.connect() as other:
        connection = backend.connect()
        connection.request(segment())
        codes: list[str] = []
        thread = threading.Thread(
            target=lambda: codes.append(error_of(connection, repaint("slow", 10_000)).code)
        )
        thread.start()
        wait_until(lambda: other.status().running == "Repaint", "the job runs")
        process = bridge_of(connection)
        process.kill()
        thread.join(60)
        assert codes == ["backend_lost"]
        wait_until(lambda: other.status().running is None, "its job is cancelled")
        connection.close()


def test_a_backend_that_dies_is_noticed(backend: Backend, connection: Connection) -> None:
    connection.request(segment())
    backend.kill()
    assert error_of(connection, repaint("hair")).code == "backend_lost"
    process = bridge_of(connection)
    connection.close()
    assert process.returncode == 0


def test_a_bridge_that_dies_is_noticed(connection: Connection) -> None:
    bridge_of(connection).kill()
    with pytest.raises(BackendError) as caught:
        connection.ping()
    assert caught.value.code == "backend_lost"


def test_without_a_python_the_sentence_says_what_to_do(
    backend: Backend, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDITGAN_PYTHON")
    with pytest.raises(BackendError, match=r"install\.py") as caught:
        Connection.open()
    assert caught.value.code == "backend_missing"


def test_an_endpoint_that_is_none_is_told(connection: Connection) -> None:
    file = paths.connection_file()
    said = json.loads(file.read_text())
    file.write_text(json.dumps({**said, "jobs": "tcp://:x", "curve": _CURVE}))
    with pytest.raises(BackendError) as caught:
        Connection.open()
    assert caught.value.code == "backend_lost"


_CURVE = {"server": "0" * 40, "public": "0" * 40, "secret": "0" * 40}
# What GIMP's Python on Windows and macOS is like: no compiled package loads.
_WITHOUT_COMPILED = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "zmq" or name == "msgpack._cmsgpack":
            raise ImportError(f"{name}: DLL load failed")
sys.meta_path.insert(0, Refuse())
"""


def without_compiled(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_COMPILED + code],
        cwd=CHECKOUT,
        env={name: value for name, value in os.environ.items() if name != "EDITGAN_LINK"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_is_chosen_where_pyzmq_does_not_load(backend: Backend, connection: Connection) -> None:
    code = """
import msgpack, msgpack.fallback
assert msgpack.Packer is msgpack.fallback.Packer
from protocol.client import Connection
from protocol.links import uses_bridge
with Connection.open() as connection:
    print(uses_bridge(), len(connection.welcome.bundles) > 0, connection.status().running)
"""
    assert without_compiled(code) == "True True None"


def test_keys_are_made_without_pyzmq(home: Path) -> None:
    code = "from protocol import keys; print(keys.to_hex(keys.own('client').public))"
    assert without_compiled(code) == keys.to_hex(keys.own("client").public)


@pytest.mark.parametrize("length", [0, 1, 70_000])
def test_messages_survive_the_pipe(length: int) -> None:
    reading, writing = (
        os.fdopen(fd, mode) for fd, mode in zip(os.pipe(), ("rb", "wb"), strict=True)
    )
    frames: list[Any] = [b"head", bytes(length), memoryview(bytes(length))]
    thread = threading.Thread(target=pipe.write, args=(writing, b"J", frames))
    thread.start()
    assert pipe.read(reading) == (b"J", [b"head", bytes(length), bytes(length)])
    thread.join()
    writing.close()
    with pytest.raises(EOFError):
        pipe.read(reading)
    reading.close()


@pytest.mark.parametrize(
    "junk",
    [
        b"Traceback (most recent call last):\n",
        b"J\xff\xff\xff\xff" + bytes(100),
        b"J\x01\0\0\0" + b"\xff" * 8,
        b"J\x01\0\0\0\x10\0\0\0\0\0\0\0half",
    ],
)
def test_what_is_no_message_ends_the_conversation(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk").write_bytes(junk)
    with (tmp_path / "junk").open("rb") as file, pytest.raises(EOFError):
        pipe.read(file)


def test_two_windows_have_a_bridge_each(start: Callable[..., Backend]) -> None:
    backend = start()
    with backend.connect() as one, backend.connect() as two:
        one.request(segment())
        assert isinstance(two.request(m.HasPhoto("p1")), m.PhotoKnown)
        assert bridge_of(one).pid != bridge_of(two).pid
