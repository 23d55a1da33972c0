"""Backends reached over TCP: here with keys, and on another machine."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from backend.server.sockets import CannotListen, NoEncryption, listen
from backend_harness import CHECKOUT, COMMAND, Backend, repaint, segment
from installer.stop_backend import stop as stop_this_machines
from protocol import connection_file, framing, keys, paths, settings
from protocol import messages as m
from protocol.connection_file import CurveKeys
from protocol.errors import BackendError
from protocol.launch import ensure_backend


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
