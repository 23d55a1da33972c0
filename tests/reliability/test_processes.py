"""A few rounds of what `python -m tests.reliability --long` does hundreds of times."""

from __future__ import annotations

from pathlib import Path

from tests.reliability import processes


def test_backends_that_are_killed_lose_nothing(home: Path) -> None:
    done = processes.kill_backends(3, seed=2)
    print(done)
    assert done["broken"] == done["clients that hung"] == 0
    assert processes.nothing_blocks()


def test_starts_that_race(home: Path) -> None:
    print(processes.race_starts(2, seed=1))


def test_clients_that_are_killed(home: Path) -> None:
    print(processes.kill_clients(2))


def test_a_short_day(home: Path) -> None:
    done = processes.soak(200, 40, 40, 2)
    print(done)
    assert done["descriptors more"] <= 2 and done["threads more"] <= 2
