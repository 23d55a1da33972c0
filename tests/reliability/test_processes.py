"""A few rounds of what `python -m tests.reliability --long` does hundreds of times."""

from __future__ import annotations

from pathlib import Path

from tests.reliability import kills, processes


def test_what_is_killed_loses_nothing(home: Path) -> None:
    done = kills.kill_backends(9, seed=2)  # one of each kind
    print(done)
    assert done["broken"] == done["hung"] == 0
    assert done["hits"] >= 4, "the kills came too early or too late"
    assert processes.nothing_blocks()


def test_starts_that_race(home: Path) -> None:
    print(processes.race_starts(2, seed=1))


def test_clients_that_are_killed(home: Path) -> None:
    print(kills.kill_clients(2))


def test_a_short_day(home: Path) -> None:
    done = processes.soak(200, 40, 40, 2)
    print(done)
    assert done["descriptors more"] <= 2 and done["threads more"] <= 2


def test_strangers_hear_nothing(home: Path) -> None:
    done = processes.strangers(3)
    print(done)
    assert done["attempts"] == 9 and done["let in"] == 0
