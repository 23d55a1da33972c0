"""The connection file and the lock."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from protocol import PROTOCOL_VERSION
from protocol import connection_file as cf
from protocol.typed import ProtocolError

ENDS = "ipc://jobs.sock", "ipc:///elsewhere/control.sock"
INFO = cf.ConnectionInfo(*ENDS, "1.0", PROTOCOL_VERSION)
KEYS = cf.CurveKeys("s" * 40, "p" * 40, "x" * 40)


def test_round_trip_with_relative_sockets(tmp_path: Path) -> None:
    path = tmp_path / "connection.json"
    cf.write(path, INFO)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert cf.read(path) == dataclasses.replace(INFO, jobs=f"ipc://{tmp_path}/jobs.sock")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    path = path.rename(moved / path.name)  # as in another mount
    assert cf.read(path).jobs == f"ipc://{moved}/jobs.sock"
    tcp = cf.ConnectionInfo(
        "tcp://127.0.0.1:5", "tcp://127.0.0.1:6", "1", PROTOCOL_VERSION, KEYS, None
    )
    cf.write(path, tcp)
    assert cf.read(path) == tcp
    assert [p.name for p in moved.iterdir()] == ["connection.json"], "no temporary file stays"


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "connection.json"
    cf.write(path, INFO)

    def full(*args: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="space"):
        cf.write(path, dataclasses.replace(INFO, version="2.0"))
    monkeypatch.undo()
    assert cf.read(path).version == "1.0"
    assert [p.name for p in tmp_path.iterdir()] == ["connection.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"jobs": "http://x"},
        {"jobs": "tcp://127.0.0.1:5"},  # no keys
        {"jobs": 5},
        {"curve": {"server": "s"}},
        {"unknown": 1},
        {"protocol_version": "1"},
    ],
)
def test_what_is_no_connection_file(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "connection.json"
    path.write_text(json.dumps({**dataclasses.asdict(INFO), **change}))
    with pytest.raises(ProtocolError):
        cf.read(path)


def test_the_lock_is_seen_and_excludes(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert not cf.is_held(lock)
    with cf.held(lock) as mine:
        assert mine
        assert cf.is_held(lock)
        with cf.held(lock) as second:
            assert not second
        assert cf.is_held(lock)
    assert not cf.is_held(lock)


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from protocol import connection_file as cf\n"
        "with cf.held(pathlib.Path(sys.argv[1])) as mine: print(mine, flush=True); input()"
    )
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert cf.is_held(lock)
        process.kill()
    assert not cf.is_held(lock)
