"""What the machine may lack: room on the disk, files, memory, a clock that only goes on."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import is_out_of_memory
from backend.session.embedding_cache import EmbeddingCache
from backend_harness import COMMAND, Backend, error_of, repaint, segment
from edit_library import Library
from protocol import messages as m
from protocol import paths

PROBE = Path(__file__).with_name("full_disk.py")
PROJECT = PROBE.parents[2]


def _may_mount() -> bool:
    """Whether this user has file systems of their own (root, or user namespaces)."""
    if shutil.which("unshare") is None:
        return False
    words = ["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"]
    return subprocess.run(words, capture_output=True, timeout=30).returncode == 0


needs_mount = pytest.mark.skipif(not _may_mount(), reason="mounting a small disk is not permitted")


@needs_mount
def test_a_full_disk_at_every_write(tmp_path: Path) -> None:
    """Each of 14 kinds of writes with eight amounts of room: done, or said, and nothing lost."""
    mount = f"mount -t tmpfs -o size=2m none '{tmp_path}'"
    script = f"{mount} && exec '{sys.executable}' '{PROBE}' '{tmp_path}'"
    words = ["unshare", "-m", "sh", "-c", script]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout)
    assert len(counts["done"]) == 14, counts  # with room all of them work
    assert set(counts["failed"]) == set(counts["done"]) - {"embedding"}, counts
    assert sum(counts["done"].values()) + sum(counts["failed"].values()) == 14 * 8


@needs_mount
def test_no_shared_memory(home: Path) -> None:
    """Some containers have no /dev/shm, or one that nobody may write to."""
    inside = " ".join(f"'{word}'" for word in COMMAND)
    script = f"mount -t tmpfs -o ro,size=4k none /dev/shm && exec {inside}"
    backend = Backend(["unshare", "-m", "sh", "-c", script])
    try:
        with backend.connect() as connection:
            assert isinstance(connection.request(segment()), m.Segmented)
    finally:
        backend.kill()


def _limited(
    home: Path, kind: str, value: int, words: list[str]
) -> subprocess.CompletedProcess[str]:
    import resource

    def limit() -> None:
        resource.setrlimit(getattr(resource, kind), (value, value))

    return subprocess.run(
        words, cwd=PROJECT, capture_output=True, text=True, timeout=120, preexec_fn=limit,
        env={**os.environ, "EDITGAN_HOME": str(home)},
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
@pytest.mark.parametrize("files", [8, 16, 32])
def test_few_open_files(home: Path, files: int) -> None:
    """libzmq ends a process that runs out of them; so it is not begun."""
    done = _limited(home, "RLIMIT_NOFILE", files, [*COMMAND, "--idle", "0.1"])
    if files == 32:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1 and f"may open {files} files" in done.stderr, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
@pytest.mark.parametrize("megabytes", [300, 600, 1100, 1300, 1500])
def test_too_little_memory_for_a_command(home: Path, megabytes: int) -> None:
    """It would end while libraries are loaded; that is said, and nothing is written."""
    out = home / "out.png"
    command = ["apply", "assets/portrait.png", "--edit", "smile", "-o", str(out), "--json"]
    words = [sys.executable, "-m", "backend.cli", *command]
    done = _limited(home, "RLIMIT_AS", megabytes << 20, words)
    assert done.returncode in (1, 2), done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "out_of_memory"
    assert done.stderr.startswith("editgan: There is not enough memory") and not out.exists()


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), True),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), True),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), False),
        (ImportError("No module named 'cannot'"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_how_a_lack_of_memory_is_told(error: Exception, is_it: bool) -> None:
    assert is_out_of_memory(error) == is_it


def test_a_device_without_memory_ends_one_job_only(home: Path) -> None:
    backend = Backend(COMMAND)
    try:
        with backend.connect() as connection:
            connection.request(segment())
            for _ in range(3):
                assert error_of(connection, repaint("huge")).code == "out_of_memory"
                connection.request(repaint("hair"))
    finally:
        backend.kill()


VECTOR = np.ones((4, 8), np.float32)


def _back(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now: Callable[[], float] = time.time
    monkeypatch.setattr(time, "time", lambda: now() - seconds)


@pytest.mark.parametrize("years", [1, 40])
def test_a_clock_that_is_set_back(home: Path, monkeypatch: pytest.MonkeyPatch, years: int) -> None:
    """Everything on the disk is of the future then; leftovers of today go once it is right."""
    library, cache = Library(paths.library_dir()), EmbeddingCache(paths.cache_dir())
    library.save("small", "first", VECTOR, generator_sha="5" * 64, parts=["hair"])
    paths.cache_dir().mkdir(parents=True, exist_ok=True)
    (paths.cache_dir() / "x.tmp").write_bytes(b"half")
    _back(monkeypatch, years * 3.2e7)
    library.sweep()
    cache.sweep()
    library.save("small", "second", VECTOR, generator_sha="5" * 64, parts=["hair"])
    library.rename("small", "first", "third")
    trash = library.delete("small", "third")
    assert library.restore("small", trash.name).name == "third"
    assert {info.name for info in library.list("small")} == {"second", "third"}
    assert library.broken() == [] and (paths.cache_dir() / "x.tmp").exists()
    _back(monkeypatch, -2 * years * 3.2e7)
    cache.sweep()
    assert not (paths.cache_dir() / "x.tmp").exists()


@pytest.mark.parametrize(
    "name", ["\u65e5\u672c \U0001f600 'quoted' \"twice\"", "x" * 200, "line\nbreak", "caf\udce9"]
)
def test_homes_with_long_and_odd_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("EDITGAN_HOME", str(tmp_path / name))
    backend = Backend(COMMAND)
    try:
        with backend.connect() as connection:
            connection.request(segment())
            pixels: Any = m.Pixels(8, 4, 1, "f32", VECTOR.tobytes())
            assert isinstance(
                connection.request(m.SaveEdit("p1", "Gr\u00f6\u00dfer", "", ("hair",), pixels)),
                m.Saved,
            )
            assert connection.status().photos == 1
        assert len(Library(paths.library_dir()).list("small")) == 1
    finally:
        backend.kill()
