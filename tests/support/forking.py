"""Processes that are forked from one that has loaded torch, in place of new ones.

Loading torch is most of what a process does that a test starts on a tiny model: two seconds of a
processor, each time. A test sets this module where another uses `multiprocessing.get_context` or
`subprocess.run`; the real ones are used by at least one test of each kind of process.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import DEVNULL, CompletedProcess, TimeoutExpired
from typing import Any

__all__ = ["DEVNULL", "TimeoutExpired", "get_context", "preload", "run"]
_PRELOAD = [
    "pytest",
    "torch",
    "torch._dynamo",  # which an optimiser asks for
    "torch._meta_registrations",  # shapes are checked on the device "meta"
    "backend.batch.worker",
    "backend.bundles.importing.read",
    "backend.training.trainer",
]


def preload() -> None:
    """Say what the process that all are forked from loads; whoever starts one first says it."""
    multiprocessing.set_forkserver_preload(_PRELOAD)


@dataclass(frozen=True)
class Context:
    """What of multiprocessing's contexts is used; processes have the caller's environment."""

    Pipe: Callable[..., Any]

    def Process(  # noqa: N802 - multiprocessing's name
        self, target: Callable[..., object], args: Sequence[object], **more: Any
    ) -> BaseProcess:
        return _forked().Process(
            target=_as_caller, args=(dict(os.environ), os.getcwd(), target, args), **more
        )


def get_context(method: str | None = None) -> Context:
    """As multiprocessing.get_context, whatever the method."""
    return Context(_forked().Pipe)


def run(
    command: Sequence[str],
    *,
    cwd: str | Path,
    env: Mapping[str, str],
    timeout: float | None = None,
    **streams: int,
) -> CompletedProcess[bytes]:
    """As subprocess.run, for [sys.executable, "-m", MODULE, WORDS...] whose output nobody reads."""
    assert list(command[:2]) == [sys.executable, "-m"] and set(streams.values()) == {DEVNULL}
    args = (dict(env), cwd, _as_module, (command[2], list(command[3:])))
    process = _forked().Process(target=_as_caller, args=args, daemon=True)
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutExpired(command, timeout or 0.0)
    return CompletedProcess(command, process.exitcode)


def _forked() -> multiprocessing.context.ForkServerContext:
    preload()
    return multiprocessing.get_context("forkserver")


# --- in the new process -------------------------------------------------------------------------


def _as_caller(
    environment: Mapping[str, str], folder: str, target: Callable[..., object], args: Sequence[Any]
) -> None:
    """What is forked has the environment of a process that was started long ago."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    target(*args)


def _as_module(module: str, words: Sequence[str]) -> None:
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silent, stream)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
