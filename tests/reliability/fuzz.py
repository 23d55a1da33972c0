"""Fuzzing of the readers: seeded mutations, counted; by coverage where atheris is installed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from backend.session.memory import resident_mb
from tests.reliability.targets import PROJECT, Target, canary, mutated, targets

LONGEST_S = 20  # of the processor's time, for one case
_ASLEEP_S = 600  # by the clock: a reader that waits for ever takes no time of the processor's
MOST_GROWTH_MB = 50.0
_ALARMS = (signal.SIGPROF, signal.SIGALRM)
_WARM_UP = 200  # cases after which memory is compared


@dataclass(frozen=True)
class Fuzzed:
    """cases: how many were tried; taken: how many of them were sound; growth_mb: of memory."""

    cases: int
    taken: int
    growth_mb: float
    slowest_s: float


class Hung(Exception):
    """A case took longer than LONGEST_S, or slept as long as _ASLEEP_S."""


def fuzz(target: Target, cases: int, seed: int) -> Fuzzed:
    """Read `cases` mutations; an unexpected error is passed on with the bytes that made it."""
    chance, taken, slowest, start_mb = random.Random(seed), 0, 0.0, resident_mb()
    for sound in target.seeds:  # what it imports is no part of a case
        target.try_one(sound)
    old = {number: signal.signal(number, _too_long) for number in _ALARMS}
    try:
        for case in range(cases):
            data = mutated(chance.choice(target.seeds), chance)
            begun = time.process_time()  # other work on the machine is not the reader's
            _set_alarms(LONGEST_S, _ASLEEP_S)
            try:
                taken += target.try_one(data)
            except Exception as error:
                raise AssertionError(f"case {case} of seed {seed}: {data[:2000]!r}") from error
            _set_alarms(0, 0)
            slowest = max(slowest, time.process_time() - begun)
            assert not canary().exists(), f"case {case} of seed {seed} was executed"
            if case == min(_WARM_UP, cases // 2):
                start_mb = resident_mb()
    finally:
        _set_alarms(0, 0)
        for number, handler in old.items():
            signal.signal(number, handler)
    return Fuzzed(cases, taken, resident_mb() - start_mb, slowest)


def _set_alarms(busy_s: float, asleep_s: float) -> None:
    """Of the processor's time and of the clock's; 0 ends them."""
    signal.setitimer(signal.ITIMER_PROF, busy_s)
    signal.setitimer(signal.ITIMER_REAL, asleep_s)


def _too_long(number: int, frame: FrameType | None) -> NoReturn:
    raise Hung


def by_coverage(name: str, cases: int, folder: Path) -> int:
    """Let atheris try `cases` inputs in a process of its own; returns how many it did.

    Raises FileNotFoundError where atheris is not installed, AssertionError for a finding.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets()[name].seeds):
        (folder / f"seed{number}").write_bytes(seed)
    command = [sys.executable, "-m", "tests.reliability.coverage", name, str(folder)]
    limits = [f"-runs={cases}", "-max_len=65536", f"-timeout={3 * LONGEST_S}", "-rss_limit_mb=2048"]
    done = subprocess.run(
        [*command, *limits], cwd=PROJECT, capture_output=True, text=True, env=_environment()
    )
    if "No module named 'atheris'" in done.stderr:
        raise FileNotFoundError("atheris is not installed")
    assert done.returncode == 0, done.stderr[-3000:]
    found = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    return int(found[-1].split()[1])


def _environment() -> dict[str, str]:
    paths = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
