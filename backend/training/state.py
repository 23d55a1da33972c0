"""Saving and resuming training: everything that the next step depends on, written atomically."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from backend.errors import BadSetting

LAST, BEST = "state.pt", "best.pt"  # in a run's folder

TrainingState = dict[str, Any]
"""What torch.save writes of a run: numbers, tensors, and maps of them by name."""


def save_state(path: Path, state: TrainingState) -> None:
    """Write a training state; an interruption leaves the old file whole. Raises BadSetting where it
    cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    random = {"rng": torch.get_rng_state()}
    if torch.cuda.is_available():
        random["cuda_rng"] = torch.cuda.get_rng_state()
    try:
        torch.save({**state, **random}, partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # torch's writer raises the latter on a full disk
        partial.unlink(missing_ok=True)
        raise BadSetting(
            f"{path} could not be written ({str(error).splitlines()[0]}); is the disk full? What "
            "was saved before is as it was: make room and run the command again."
        ) from error


def load_state(path: Path) -> TrainingState | None:
    """Read a training state and restore the random generator, or None when there is none."""
    if not path.exists():
        return None
    state: TrainingState = torch.load(path, weights_only=True, map_location="cpu")
    restore_chance(state)
    return state


def load_networks_of(run: Path) -> TrainingState | None:
    """The state of a run's best networks, of its last ones where none were kept, or of the file
    that is named; None when there is none."""
    best = run / BEST
    return load_state(run if run.is_file() else best if best.exists() else run / LAST)


def restore_chance(state: TrainingState) -> None:
    """Go on with the random numbers that come next in a run's state."""
    torch.set_rng_state(state["rng"])
    if torch.cuda.is_available() and "cuda_rng" in state:
        torch.cuda.set_rng_state(state["cuda_rng"])


class Trainer(Protocol):
    def state(self) -> TrainingState: ...


@contextlib.contextmanager
def saving(path: Path, trainer: Trainer, *, every: float = 60.0) -> Iterator[Callable[[], None]]:
    """A function to call after each step: the state is written now and then (`every` seconds), at
    the end, and when the run is interrupted, so that nothing is lost.

    An interruption that comes within a step waits for its end: half a step would be no state.
    """
    last, stopped = time.monotonic(), False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    def save() -> None:
        nonlocal last
        if stopped:
            raise KeyboardInterrupt
        if time.monotonic() - last >= every:
            save_state(path, trainer.state())
            last = time.monotonic()

    own = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, stop) if own else None
    try:
        yield save
    finally:
        if own:
            signal.signal(signal.SIGINT, before)
        save_state(path, trainer.state())


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Exponential moving average of all weights; buffers are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
    for a, b in zip(average.buffers(), model.buffers(), strict=True):
        a.copy_(b)
