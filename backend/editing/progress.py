"""How long work reports on itself, and how it is cancelled or ended early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Progress:
    """fraction: 0..1 done; text: what is going on; preview: makes a picture, uint8 [h, w, 3],
    when called; outline: uint8 [h, w], 255 on the line around what may change in that picture."""

    fraction: float
    text: str
    preview: Callable[[], NDArray[np.uint8]] | None = None
    outline: NDArray[np.uint8] | None = None


Report = Callable[[Progress], bool | None]
"""Called after each step. Raises `Cancelled` to stop the work; returns True when it is enough: an
optimisation then ends with its best iterate so far, and what comes after it is done as usual."""


class Heard:
    """A report that remembers whether it was ever answered with "enough"."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.enough = False

    def __call__(self, progress: Progress) -> bool:
        self.enough = bool(self._report(progress)) or self.enough
        return self.enough


def ignore(progress: Progress) -> None:
    """For callers that do not look."""


def part_of(report: Report, low: float, high: float) -> Report:
    """A report whose 0..1 fills `low`..`high` of another one."""

    def scaled(progress: Progress) -> bool | None:
        fraction = low + (high - low) * progress.fraction
        return report(replace(progress, fraction=fraction))

    return scaled
