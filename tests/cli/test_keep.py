"""Ctrl-C with --keep: the best result so far, not nothing."""

from __future__ import annotations

import os
import signal

import pytest

from backend.commands.progress import enough_on_interrupt, progress_bar
from backend.editing.progress import Progress


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_ctrl_c_is_enough_the_second_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with progress_bar("Working", quiet=True, keep=True) as show:
        assert not show(Progress(0.1, "Working"))
        interrupt()
        assert show(Progress(0.2, "Working"))
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    assert signal.getsignal(signal.SIGINT) is before


def test_without_keep_it_interrupts() -> None:
    with enough_on_interrupt(False) as enough, pytest.raises(KeyboardInterrupt):
        interrupt()
    assert not enough()
