"""Windows' and macOS's ways, run on Linux: their own modules are imitated at the edge."""

from __future__ import annotations

import errno
import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from protocol import connection_file, processes


class Msvcrt:
    """`msvcrt.locking`: one lock on a byte, refused while another handle has it."""

    LK_NBLCK, LK_UNLCK = 2, 0

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.mine: set[int] = set()

    def locking(self, fd: int, mode: int, size: int) -> None:
        name = Path(f"/proc/self/fd/{fd}").readlink().as_posix()
        assert size == 1
        if mode == self.LK_UNLCK:
            self.held.discard(name)
        elif name in self.held:
            raise OSError(errno.EACCES, "Permission denied")
        else:
            self.held.add(name)


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """protocol.connection_file as Windows' Python reads it."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt())
    spec = importlib.util.spec_from_file_location("on_windows", connection_file.__file__)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "on_windows", module)
    spec.loader.exec_module(module)
    return module


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


@needs_proc
def test_windows_locks_say_whether_a_backend_lives(on_windows: ModuleType, tmp_path: Path) -> None:
    lock = tmp_path / "backend.lock"
    assert not on_windows.is_held(lock)
    with on_windows.held(lock) as mine:
        assert mine
        assert on_windows.is_held(lock)
        with on_windows.held(lock) as second:
            assert not second
        assert on_windows.is_held(lock), "who could not have it does not free it"
    assert not on_windows.is_held(lock)


def test_a_backend_is_started_apart_from_gimp() -> None:
    assert processes.detached("linux") == {"start_new_session": True}
    assert processes.detached("darwin") == {"start_new_session": True}
    flags = processes.detached("win32")["creationflags"]
    assert flags & 0x8 and flags & 0x200, "DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP"
    assert processes.hidden("linux") == {}
    assert processes.hidden("win32") == {"creationflags": 0x08000000}


def test_a_flatpak_s_programs_are_the_host_s(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITGAN_PYTHON", "/host/python")
    with pytest.raises(processes.BackendError):
        processes.backend_python()
    mark = home / ".flatpak-info"
    mark.touch()
    monkeypatch.setattr(processes, "FLATPAK_MARK", mark)
    words = processes.backend_python()
    assert words[:2] == ["flatpak-spawn", "--host"]
    assert words[2:] == [f"--env=EDITGAN_HOME={home}", "/host/python"]


def test_the_platform_s_names_are_the_real_ones() -> None:
    """Where this runs on Windows, they are compared with Python's own."""
    if sys.platform == "win32":
        import subprocess

        assert processes.hidden()["creationflags"] == subprocess.CREATE_NO_WINDOW
    assert SimpleNamespace(**processes.detached())
