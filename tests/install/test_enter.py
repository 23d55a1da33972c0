"""Entering the private GIMP's root: what it sees, what it is given, and orders to start."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from installer import enter


def test_the_user_s_folders_are_bound_and_the_system_s_are_not(tmp_path: Path) -> None:
    for name in ("home", "mnt", "usr", "etc", "lib64", "proc", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin").symlink_to(tmp_path / "usr")
    needed = [tmp_path / name for name in ("home/ann", "usr/local/data", "usr/bin", "usr", "")]
    bound = enter.bound_folders(*needed, top=tmp_path)
    assert bound == [tmp_path / "home", tmp_path / "mnt", tmp_path / "usr/local/data"]


def test_little_of_the_environment_goes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/somewhere")
    monkeypatch.setenv("DISPLAY", ":7")
    words = enter.environment({"EDITGAN_HOME": "/data"})
    assert "DISPLAY=:7" in words
    assert "EDITGAN_HOME=/data" in words
    assert not [word for word in words if word.startswith(("PYTHON", "LD_"))]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, {"LC_ALL": "C.UTF-8"}),
        ({"LANG": "C.UTF-8"}, {"LC_ALL": "C.UTF-8"}),
        ({"LANG": "POSIX", "LANGUAGE": "de"}, {"LC_ALL": "C.UTF-8"}),
        (
            {"LANG": "de_DE.UTF-8"},
            {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LANGUAGE": "de_DE"},
        ),
        (
            {"LANG": "de_DE", "LANGUAGE": "de:fr"},
            {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LANGUAGE": "de:fr"},
        ),
        ({"LANG": "fr_FR.UTF-8", "LANGUAGE": "fr:en"}, {"LC_ALL": "C.UTF-8"}),  # not in the root
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}),
        ({"LANG": "$(reboot)"}, {"LC_ALL": "C.UTF-8"}),
    ],
)
def test_the_root_speaks_the_user_s_language(
    tmp_path: Path, wanted: dict[str, str], expected: dict[str, str]
) -> None:
    (tmp_path / "usr/lib/locale/de_DE.utf8").mkdir(parents=True)
    assert enter.language(tmp_path, wanted) == expected


def test_orders_are_carried_out_one_by_one() -> None:
    done: list[str] = []
    ready = threading.Event()

    def stop() -> None:
        done.append("stop")
        ready.set()

    with enter.launcher({"start": lambda: done.append("start"), "stop": stop}) as fifo:
        for order in ("start", "nonsense", "start", "stop"):
            with fifo.open("w") as orders:
                orders.write(f"{order}\n")
        assert ready.wait(10)
    assert done == ["start", "start", "stop"]
    assert not fifo.exists()


def test_without_a_root_it_says_what_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter.main(["gimp"]) == 2
    assert "install.py --demo" in capsys.readouterr().err


def test_this_machine_s_mounts_are_seen() -> None:
    assert Path("/proc") in enter.mounts()
