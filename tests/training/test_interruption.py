"""Ctrl-C and a full disk lose nothing."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from backend.errors import BadSetting
from backend.training import state
from backend.training.interruption import whole_steps


@pytest.fixture(autouse=True)
def as_in_a_terminal() -> Iterator[None]:
    """Interrupts are heard, also where the tests themselves run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupted_step_is_finished_first() -> None:
    before, finished = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), whole_steps() as interrupted:
        while not interrupted():
            if len(finished) == 2:
                os.kill(os.getpid(), signal.SIGINT)
            finished.append(interrupted())
        finished.append("saved")
    assert finished == [False, False, True, "saved"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interruption_does_not_wait() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), whole_steps():
        os.kill(os.getpid(), signal.SIGINT)
        steps.append(1)
        os.kill(os.getpid(), signal.SIGINT)
        steps.append(2)
    assert steps == [1]


def test_without_an_interruption_nothing_is_raised() -> None:
    with whole_steps() as interrupted:
        assert not interrupted()


def test_a_full_disk_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run" / state.LAST
    state.save_state(path, {"seen": 1})

    def full(value: object, file: Path) -> None:
        file.write_bytes(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(BadSetting, match=r"disk full.*as it was"):
        state.save_state(path, {"seen": 2})
    assert [p.name for p in path.parent.iterdir()] == [state.LAST]
    loaded = state.load_state(path)
    assert loaded is not None and loaded["seen"] == 1
