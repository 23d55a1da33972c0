"""Who reaches the backend: the lock, races, stale files, CURVE."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from backend.server.sockets import CannotListen, NoEncryption, listen
from backend_harness import CHECKOUT, PROGRAM, Backend, repaint, segment, wait_until
from installer.stop_backend import stop as stop_this_machines
from protocol import connection_file, framing, keys, paths, settings
from protocol import messages as m
from protocol.client import Connection
from protocol.connection_file import CurveKeys
from protocol.errors import BackendError
from protocol.launch import ensure_backend

COMMAND = [sys.executable, str(PROGRAM)]


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


@pytest.fixture
def tcp(start: Callable[..., Backend]) -> Backend:
    return start("--tcp", "127.0.0.1")


def test_tcp_needs_the_keys_of_the_connection_file(tcp: Backend) -> None:
    with tcp.connect() as connection:
        info = connection_file.read(paths.connection_file())
        assert info.jobs.startswith("tcp://127.0.0.1:")
        assert info.curve is not None
        connection.request(segment())
        assert connection.request(repaint("hair")).parts == ("hair",)


def stranger_hears(
    endpoint: str, keys: CurveKeys | None, server: str | None = None, wait_ms: int = 1500
) -> bool:
    """Whether a greeting with these keys is answered."""
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    if keys:
        dealer.curve_serverkey = (server or keys.server).encode()
        dealer.curve_publickey, dealer.curve_secretkey = keys.public.encode(), keys.secret.encode()
    dealer.connect(endpoint)
    dealer.send_multipart([bytes(frame) for frame in framing.pack("j", m.Hello("stranger"))])
    try:
        return bool(dealer.poll(wait_ms))
    finally:
        context.destroy(linger=0)


def test_strangers_get_nothing_over_tcp(tcp: Backend) -> None:
    with tcp.connect() as connection:
        info = connection_file.read(paths.connection_file())
        assert info.curve is not None
        public, secret = (key.decode() for key in zmq.curve_keypair())
        other = dataclasses.replace(info.curve, public=public, secret=secret)
        for endpoint in (info.jobs, info.control):
            assert stranger_hears(endpoint, info.curve, wait_ms=60_000), "the right keys"
            assert not stranger_hears(endpoint, None), "no keys"
            assert not stranger_hears(endpoint, other), "keys that are not on the list"
            assert not stranger_hears(endpoint, info.curve, server=public), "wrong server key"
        connection.request(segment())


def test_a_client_that_dies_is_noticed_over_tcp(tcp: Backend) -> None:
    script = Path(__file__).with_name("client_that_dies.py")
    with tcp.connect() as connection:
        connection.request(segment())
        client = subprocess.Popen(
            [sys.executable, str(script)], cwd=CHECKOUT, stdout=subprocess.PIPE
        )
        assert client.stdout is not None
        assert client.stdout.readline().startswith(b"running")
        client.kill()
        client.communicate()
        assert connection.request(repaint("hair")).parts == ("hair",)


def test_a_killed_tcp_backend_is_noticed(tcp: Backend) -> None:
    with tcp.connect() as connection:
        connection.request(segment())
        with pytest.raises(BackendError) as caught:
            connection.request(repaint("die"))
        assert caught.value.code == "backend_lost"


def test_tcp_without_keys_is_refused_by_the_client(home: Path) -> None:
    with pytest.raises(m.ProtocolError):
        connection_file.ConnectionInfo("tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "1", 1)


def test_tcp_without_curve_is_refused_by_the_server(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zmq, "has", lambda capability: capability != "curve")
    with pytest.raises(NoEncryption):
        listen(paths.run_dir(), "1", "127.0.0.1")


def test_the_ports_can_be_chosen(start: Callable[..., Backend]) -> None:
    backend = start("--tcp", "127.0.0.1:23573")  # below the ports that systems choose
    with backend.connect():
        info = connection_file.read(paths.connection_file())
        assert (info.jobs, info.control) == ("tcp://127.0.0.1:23573", "tcp://127.0.0.1:23574")


@pytest.mark.parametrize("address", ["127.0.0.1:port", "no.such.host.invalid", "127.0.0.1:1:2"])
def test_addresses_that_cannot_be_are_an_error_for_the_user(home: Path, address: str) -> None:
    with pytest.raises(CannotListen, match="cannot listen"):
        listen(paths.run_dir(), "1", address)


def test_a_port_in_use_is_an_error_for_the_user(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match="in use"):
            listen(paths.run_dir(), "1", f"127.0.0.1:{port}")


# --- another machine ---


@pytest.fixture
def laptop(
    start: Callable[..., Backend], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Backend]:
    """laptop(port): a backend that lets the laptop in, which is this process from then on; its
    settings choose that backend. Everything of the laptop lies in a data folder of its own."""

    def be_on_the_laptop(port: int, key: str | None = None) -> Backend:
        workstation = Path(os.environ["EDITGAN_HOME"])
        monkeypatch.setenv("EDITGAN_HOME", str(tmp_path / "laptop"))
        own = keys.to_hex(keys.own("client").public)
        monkeypatch.setenv("EDITGAN_HOME", str(workstation))
        backend = start("--tcp", f"127.0.0.1:{port}", "--allow", own)
        backend.connect().close()
        server = keys.to_hex(keys.own("server").public)
        monkeypatch.setenv("EDITGAN_HOME", str(tmp_path / "laptop"))
        chosen = settings.Remote(f"127.0.0.1:{port}", key or server)
        settings.save(settings.Settings(remote=chosen, use_remote=True))
        return backend

    return be_on_the_laptop


def test_a_backend_on_another_machine_is_used_and_never_replaced(
    laptop: Callable[..., Backend],
) -> None:
    backend = laptop(23581)
    with ensure_backend(COMMAND, cwd=CHECKOUT) as connection:
        assert connection.is_remote
        connection.request(segment())
        assert connection.status().photos == 1
    backend.kill()
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:23581 does not answer") as caught:
        ensure_backend(COMMAND, cwd=CHECKOUT, timeout=1)
    assert caught.value.code == "backend_lost"
    assert not paths.connection_file().exists(), "no backend may be started here instead"


def test_a_remote_backend_that_vanishes_is_told_by_name(laptop: Callable[..., Backend]) -> None:
    laptop(23583)
    with ensure_backend(COMMAND, cwd=CHECKOUT) as connection:
        connection.request(segment())
        with pytest.raises(BackendError, match=r"127\.0\.0\.1:23583 does not answer") as caught:
            connection.request(repaint("die"))
        assert caught.value.code == "backend_lost"


def test_a_wrong_server_key_is_no_connection(laptop: Callable[..., Backend]) -> None:
    laptop(23585, key="0" * 63 + "1")
    with pytest.raises(BackendError, match="allows this computer's key"):
        ensure_backend(COMMAND, cwd=CHECKOUT, timeout=1)


def test_who_is_not_allowed_is_not_let_in(
    laptop: Callable[..., Backend], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop(23587)
    text = paths.settings_file().read_text()
    monkeypatch.setenv("EDITGAN_HOME", str(tmp_path / "stranger"))
    (tmp_path / "stranger").mkdir()
    paths.settings_file().write_text(text)
    with pytest.raises(BackendError, match="does not answer"):
        ensure_backend(COMMAND, cwd=CHECKOUT, timeout=1)


def test_the_servers_key_stays_when_it_starts_again(start: Callable[..., Backend]) -> None:
    found = []
    for _ in range(2):
        backend = start("--tcp", "127.0.0.1")
        with backend.connect() as connection:
            info = connection_file.read(paths.connection_file())
            assert info.curve is not None
            found.append((info.curve.server, info.curve.public))
            connection.shutdown()
        assert backend.process.wait(60) == 0
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]


def test_uninstalling_here_leaves_it_alone(laptop: Callable[..., Backend]) -> None:
    laptop(23589)
    stop_this_machines()
    with ensure_backend(COMMAND, cwd=CHECKOUT) as connection:
        connection.ping()


def test_an_address_that_cannot_be_resolved(home: Path) -> None:
    chosen = settings.Remote("no.such.host.invalid:5570", "a" * 64)
    settings.save(settings.Settings(remote=chosen, use_remote=True))
    with pytest.raises(BackendError, match=r"no\.such\.host\.invalid:5570 does not answer"):
        ensure_backend(COMMAND, cwd=CHECKOUT, timeout=1)


def test_unreadable_settings_stop_rather_than_guess(home: Path) -> None:
    paths.settings_file().write_text("{")
    with pytest.raises(BackendError, match="mend or delete") as caught:
        ensure_backend(COMMAND, cwd=CHECKOUT, timeout=1)
    assert caught.value.code == "bad_settings"


def test_a_backend_of_another_version_is_told_before_any_socket(connection: Connection) -> None:
    path = paths.connection_file()
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "protocol_version": 2, "news": 1}))
    with pytest.raises(BackendError) as caught:
        ensure_backend(COMMAND, cwd=CHECKOUT, timeout=20)
    assert caught.value.code == "protocol_version"


def test_wait_until_fails_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend_harness.PATIENCE_S", 0.1)
    with pytest.raises(AssertionError, match="in vain: nothing"):
        wait_until(lambda: False, "nothing")
