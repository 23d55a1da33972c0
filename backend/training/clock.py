"""Training that ends by the clock, where a machine is lent for minutes."""

from __future__ import annotations

import argparse
import math
import time

_FALLING = 0.7  # the last share of the time, over which rates fall to nothing


class Clock:
    """Begins as it is made; without minutes it never ends."""

    def __init__(self, minutes: float | None = None) -> None:
        self._began = time.monotonic()
        self._seconds = math.inf if minutes is None else 60 * minutes

    @property
    def ends(self) -> bool:
        return math.isfinite(self._seconds)

    @property
    def over(self) -> bool:
        return time.monotonic() - self._began >= self._seconds

    @property
    def rate(self) -> float:
        """What learning rates are multiplied with now: 1, and towards the end less and less."""
        left = 1 - (time.monotonic() - self._began) / self._seconds
        return min(max(left, 0.0) / _FALLING, 1.0)


def add_minutes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes", type=float,
        help="end after so long by the clock, and save; rates fall over the last 70 %% of it",
    )  # fmt: skip
