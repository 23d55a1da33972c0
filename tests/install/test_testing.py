"""`install.py --test`: what pytest is asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from installer import testing
from installer.environment import Environment
from installer.record import Record


@pytest.mark.parametrize(
    ("words", "shared_out"),
    [
        ((), True),
        (("-k", "repaint", "-q"), True),
        (("-n", "0"), True),  # said last, and so heeded
        (("tests/install", "-q"), False),
        (("tests/install/test_testing.py::test_this",), False),
    ],
)
def test_the_whole_suite_is_shared_out_among_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], shared_out: bool
) -> None:
    asked: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        asked[:] = command
        return subprocess.CompletedProcess(command, 5)

    monkeypatch.setattr(subprocess, "run", run)
    environment = Environment(tmp_path, Record(tmp_path))
    assert testing.run_tests(environment, words) == 5
    assert asked[1:3] == ["-m", "pytest"] and tuple(asked[len(asked) - len(words) :]) == words
    assert ("-n" in asked[3:5]) == shared_out == ("loadfile" in asked)
