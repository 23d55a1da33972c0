"""Who reaches the backend: the lock, races, stale files, CURVE."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from backend_harness import CHECKOUT, COMMAND, PROGRAM, Backend, segment, wait_until
from protocol import PROTOCOL_VERSION, connection_file, framing, paths
from protocol import messages as m
from protocol.client import Connection
from protocol.errors import BackendError
from protocol.launch import ensure_backend


def log() -> str:
    return (paths.logs_dir() / "backend.log").read_text(encoding="utf-8")


def test_files_are_the_users_own(connection: Connection) -> None:
    assert stat.S_IMODE(paths.run_dir().stat().st_mode) == 0o700
    assert stat.S_IMODE(paths.connection_file().stat().st_mode) == 0o600


def test_callers_at_once_end_up_with_one_backend(home: Path) -> None:
    found: list[Connection] = []
    threads = [
        threading.Thread(target=lambda: found.append(ensure_backend(COMMAND, cwd=CHECKOUT)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(found) == 4
    assert log().count("listens at") == 1
    found[0].request(segment())
    assert all(one.status().photos == 1 for one in found)
    found[0].shutdown()
    for one in found:
        one.close()


def test_a_second_backend_gives_way(start: Callable[..., Backend]) -> None:
    first = start()
    with first.connect() as connection:
        second = start()
        assert second.process.wait(60) == 0
        connection.ping()
    assert log().count("listens at") == 1
    assert paths.connection_file().exists(), "the second must not remove the first one's file"


def test_stale_files_are_no_obstacle(start: Callable[..., Backend]) -> None:
    backend = start()
    backend.connect().close()
    backend.kill()
    assert paths.connection_file().exists()
    assert (paths.run_dir() / connection_file.LOCK_NAME).exists()
    with pytest.raises(BackendError) as caught:
        Connection.open(timeout=60)
    assert caught.value.code == "backend_missing"
    with ensure_backend(COMMAND, cwd=CHECKOUT) as connection:
        connection.request(segment())
        connection.shutdown()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"jobs": 1}', "\0" * 100])
def test_a_damaged_connection_file_is_no_obstacle(home: Path, content: str) -> None:
    paths.run_dir()
    paths.connection_file().write_text(content)
    with ensure_backend(COMMAND, cwd=CHECKOUT) as connection:
        connection.shutdown()


def test_a_backend_that_hangs_is_reported(start: Callable[..., Backend]) -> None:
    backend = start()
    backend.connect().close()
    backend.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(BackendError) as caught:
            ensure_backend(COMMAND, cwd=CHECKOUT, timeout=1.0)
        assert caught.value.code == "backend_lost"
    finally:
        backend.process.send_signal(signal.SIGCONT)
    assert log().count("listens at") == 1


def test_a_new_backend_waits_for_one_that_ends(start: Callable[..., Backend]) -> None:
    old = start()
    with old.connect() as connection:
        connection.request(segment())
        connection.shutdown()
        with ensure_backend(COMMAND, cwd=CHECKOUT) as fresh:
            assert fresh.status().photos == 0
            fresh.shutdown()
    assert old.process.wait(60) == 0


def test_a_backend_that_ends_greets_nobody(start: Callable[..., Backend]) -> None:
    backend = start()
    backend.connect().close()
    context = zmq.Context()
    control = context.socket(zmq.DEALER)
    try:
        control.connect(connection_file.read(paths.connection_file()).control)
        for message in (m.Hello(), m.Shutdown(), *[m.Hello()] * 20):
            control.send_multipart([bytes(frame) for frame in framing.pack("j", message)])
        assert backend.process.wait(60) == 0
        replies = []
        while control.poll(0):
            replies.append(framing.unpack(control.recv_multipart())[1])
    finally:
        context.destroy(linger=0)
    assert [type(reply) for reply in replies[:2]] == [m.Welcome, m.Bye]
    assert all(isinstance(reply, m.ErrorReply) for reply in replies[2:])


def test_long_folders_get_sockets_elsewhere(
    home: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Backend]
) -> None:
    monkeypatch.setenv("EDITGAN_HOME", str(home / ("long" * 30)))
    backend = start()
    with backend.connect() as connection:
        connection.request(segment())
        socket_folder = Path(
            connection_file.read(paths.connection_file()).jobs.removeprefix("ipc://")
        ).parent
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
        connection.shutdown()
    assert backend.process.wait(60) == 0
    assert not socket_folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_of_the_caller_is_inherited(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GI_TYPELIB_PATH", "/nowhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    with ensure_backend(COMMAND, cwd=CHECKOUT) as connection:
        os.close(writing)
        # the pipe is at its end at once: the backend holds no copy of it
        assert os.read(reading, 1) == b""
        os.close(reading)
        (pid,) = backend_processes(home)
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"/nowhere" not in environment
        assert os.getsid(pid) == pid
        connection.shutdown()


def backend_processes(home: Path) -> list[int]:
    """The processes that were started for this data folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if str(PROGRAM).encode() in command and str(home).encode() in environment:
            found.append(int(folder.name))
    return found


# --- TCP ---


def test_unreadable_settings_stop_rather_than_guess(home: Path) -> None:
    paths.settings_file().write_text("{")
    with pytest.raises(BackendError, match="mend or delete") as caught:
        ensure_backend(COMMAND, cwd=CHECKOUT, timeout=1)
    assert caught.value.code == "bad_settings"


def test_a_backend_of_another_version_is_told_before_any_socket(connection: Connection) -> None:
    path = paths.connection_file()
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "protocol_version": PROTOCOL_VERSION + 1, "news": 1}))
    with pytest.raises(BackendError) as caught:
        ensure_backend(COMMAND, cwd=CHECKOUT, timeout=20)
    assert caught.value.code == "protocol_version"


def test_wait_until_fails_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend_harness.PATIENCE_S", 0.1)
    with pytest.raises(AssertionError, match="in vain: nothing"):
        wait_until(lambda: False, "nothing")
