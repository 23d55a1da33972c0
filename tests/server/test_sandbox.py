"""The waiting service, and a client in a sandbox that sees one granted folder and no network.

The sandbox is bubblewrap's, which Flatpak uses: GIMP itself is not in it, its Python is.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest

from backend_harness import CHECKOUT, PROGRAM, error_of, repaint, segment, wait_until
from protocol import connection_file, links, paths, processes
from protocol import messages as m
from protocol.client import Connection
from protocol.errors import BackendError
from protocol.launch import ensure_backend

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no sandboxed GIMP there")
MEMORY_MB = 40


class Service:
    """The service as its unit starts it; the socket is in a folder of its own."""

    def __init__(self, granted: Path) -> None:
        self.socket = granted / "backend.sock"
        words = processes.bridge_words("protocol.waiting")
        self.process = subprocess.Popen([sys.executable, *words, str(self.socket)])
        wait_until(self.socket.exists, "the service's socket")

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@pytest.fixture
def service(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service whose backend is the small one, and a client that is told of nothing else."""
    program = home / "editgan"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROGRAM}"\n')
    program.chmod(0o755)
    paths.install_file().write_text(json.dumps({"editgan": str(program)}))
    made = Service(tmp_path / "granted")
    monkeypatch.setenv("EDITGAN_SOCKET", str(made.socket))
    yield made
    made.process.kill()
    made.process.wait()
    monkeypatch.delenv("EDITGAN_SOCKET")
    if connection_file.is_held(paths.run_dir() / connection_file.LOCK_NAME):
        with Connection.open() as connection:
            connection.shutdown()


def test_waiting_costs_little_and_starts_nothing(service: Service) -> None:
    assert not paths.connection_file().exists()
    if Path("/proc").is_dir():
        assert service.memory_mb() < MEMORY_MB


def test_the_first_request_starts_the_backend(service: Service) -> None:
    with pytest.raises(BackendError) as caught:
        Connection.open()
    assert caught.value.code == "backend_missing", "asking alone starts none"
    with ensure_backend() as connection:
        assert not connection.is_remote
        connection.request(segment())
        assert isinstance(connection.request(repaint("hair")), m.Edited)
        with Connection.open() as second:
            assert second.request(m.HasPhoto("p1")) == m.PhotoKnown("p1")


def test_a_backend_that_dies_is_noticed_and_started_again(service: Service) -> None:
    with ensure_backend() as connection:
        connection.request(segment())
        assert error_of(connection, repaint("die")).code == "backend_lost"
    with ensure_backend() as connection:
        connection.ping()


def test_a_backend_that_cannot_start_gives_its_own_sentence(service: Service) -> None:
    paths.install_file().write_text("{}")
    with pytest.raises(BackendError, match=r"install\.py") as caught:
        ensure_backend()
    assert caught.value.code == "backend_missing"


def test_without_a_service_the_sentence_says_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITGAN_SOCKET", str(home / "none.sock"))
    with pytest.raises(BackendError, match=r"install\.py") as caught:
        ensure_backend()
    assert caught.value.code == "backend_missing"


def test_a_second_service_gives_way_and_a_killed_one_leaves_nothing_that_blocks(
    service: Service,
) -> None:
    second = Service(service.socket.parent)
    assert second.process.wait(60) == 0
    service.process.kill()
    service.process.wait()
    left = service.socket.stat().st_ino
    third = Service(service.socket.parent)
    try:
        wait_until(lambda: service.socket.stat().st_ino != left, "its own socket")
        with ensure_backend() as connection:
            connection.ping()
    finally:
        third.process.kill()
        third.process.wait()


def test_removing_its_socket_ends_it(service: Service) -> None:
    service.socket.unlink()
    assert service.process.wait(60) == 0


def test_one_that_is_put_up_again_takes_over(service: Service) -> None:
    """As install.py does it where there is no systemd: the old one has not noticed yet."""
    service.socket.unlink()
    second = Service(service.socket.parent)
    try:
        assert service.process.wait(60) == 0
        with ensure_backend() as connection:
            connection.ping()
        assert second.process.poll() is None
    finally:
        second.process.kill()
        second.process.wait()


INSIDE = """
import os, sys
sys.path[:0] = sys.argv[1:3]
assert not os.path.exists(sys.argv[3]), "the data folder is out of sight"
from protocol.launch import ensure_backend
from protocol.links import uses_bridge
with ensure_backend() as connection:
    print(uses_bridge(), connection.status().running, len(connection.welcome.bundles))
"""


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_from_a_sandbox_that_sees_one_folder(service: Service, home: Path, tmp_path: Path) -> None:
    packages = tmp_path / "plug-in"
    compiled = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(CHECKOUT / "protocol", packages / "protocol", ignore=compiled)
    vendor = tmp_path / "vendor"
    shutil.copytree(msgpack.__path__[0], vendor / "msgpack", ignore=compiled)
    granted = service.socket.parent
    seen = {"--ro-bind": ["/usr", "/etc", sys.base_prefix, packages, vendor], "--bind": [granted]}
    binds = [
        str(w) for how, places in seen.items() for place in places for w in (how, place, place)
    ]
    links_of_root = [
        str(word)
        for name in ("lib", "lib64", "bin")
        if (place := Path("/", name)).is_symlink()
        for word in ("--symlink", place.readlink(), place)
    ]
    apart = ["--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]
    python = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    code = ["-I", "-S", "-c", INSIDE, str(packages), str(vendor), str(home)]
    command = ["bwrap", *apart, *binds, *links_of_root, str(python), *code]
    first = subprocess.run(["bwrap", *apart, *binds, *links_of_root, "true"], capture_output=True)
    if first.returncode:
        pytest.skip(f"bubblewrap may not work here: {first.stderr.decode().strip()}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "None", "1"]
    assert links.waiting_socket() == service.socket
