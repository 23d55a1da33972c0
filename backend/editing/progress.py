"""How long work reports on itself, and how it is cancelled or ended early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Progress:
    """fraction: 0..1 done; text: what is done now; preview: makes a picture, uint8 [h, w, 3],
    when called; outline: uint8 [h, w], 255 on the line around what may change in that picture."""

    fraction: float
    text: str
    preview: Callable[[], NDArray[np.uint8]] | None = None
    outline: NDArray[np.uint8] | None = None


ProgressCallback = Callable[[Progress], bool | None]
"""Called after each step. Raises `JobCancelled` to stop the work; returns True when it is enough:
an optimisation then ends with its best iterate so far, and what comes after it is done as usual."""


class ProgressMonitor:
    """A callback that remembers whether it was ever answered with "enough"."""

    def __init__(self, progress: ProgressCallback) -> None:
        self._progress = progress
        self.enough = False

    def __call__(self, step: Progress) -> bool:
        self.enough = bool(self._progress(step)) or self.enough
        return self.enough


def no_progress(step: Progress) -> None:
    """For callers that do not look."""


def sub_progress(progress: ProgressCallback, low: float, high: float) -> ProgressCallback:
    """A callback whose 0..1 fills `low`..`high` of another one."""

    def scaled(step: Progress) -> bool | None:
        fraction = low + (high - low) * step.fraction
        return progress(replace(step, fraction=fraction))

    return scaled
