"""How long work reports on itself, and how it is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Progress:
    """fraction: 0..1 done; text: what is going on; preview: makes a picture, uint8 [h, w, 3],
    when called."""

    fraction: float
    text: str
    preview: Callable[[], NDArray[np.uint8]] | None = None


Report = Callable[[Progress], None]
"""Called after each step; raises `Cancelled` to stop the work."""


def ignore(progress: Progress) -> None:
    """For callers that do not look."""


def part_of(report: Report, low: float, high: float) -> Report:
    """A report whose 0..1 fills `low`..`high` of another one."""

    def scaled(progress: Progress) -> None:
        fraction = low + (high - low) * progress.fraction
        report(Progress(fraction, progress.text, progress.preview))

    return scaled
