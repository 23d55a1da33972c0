"""Training by the clock."""

import time

import pytest

from backend.training.clock import Clock


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clock shows, seconds."""
    shown = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: shown[0])
    return shown


def test_rates_fall_over_the_last_seven_tenths(now: list[float]) -> None:
    clock = Clock(10)
    found = []
    for minute in (0, 3, 6.5, 10, 11):
        now[0] = 100 + 60 * minute
        found.append((clock.over, round(clock.rate, 6)))
    assert found == [(False, 1), (False, 1), (False, 0.5), (True, 0), (True, 0)]


def test_without_minutes_it_never_ends(now: list[float]) -> None:
    clock = Clock()
    now[0] += 1e9
    assert not clock.over and clock.rate == 1
