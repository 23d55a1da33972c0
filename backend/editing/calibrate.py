"""How far an editing vector can be turned up, and turned round, before the picture suffers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.editing.applying import side_effects
from backend.editing.engine import Engine
from backend.editing.options import ScaledEdit
from backend.editing.progress import Progress, ProgressCallback, no_progress
from backend.editing.recipes import Limits
from backend.editing.results import OpenPhoto

SCALES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)


def calibrate(
    engine: Engine,
    vector: NDArray[np.float32],
    parts: tuple[str, ...],
    photos: Sequence[OpenPhoto],
    progress: ProgressCallback = no_progress,
    *,
    limits: Limits,
) -> tuple[float, float]:
    """The lowest and the highest scale at which identity and quality still hold.

    The furthest of SCALES in either direction at which the subject is still the same (where there
    is an identity network) and the picture changes only where it should; a quarter at least. As
    both get worse with the scale, it is found by bisection.
    """

    def furthest(sign: int) -> float:
        tried = [sign * scale for scale in SCALES if scale <= limits.scale]

        def fails(scale: float) -> bool:
            return not _holds(engine, vector, parts, scale, photos, limits)

        return tried[max(bisect_left(tried, True, key=fails) - 1, 0)]

    low = furthest(-1)
    progress(Progress(0.5, "Calibrating the range"))
    return low, furthest(1)


def _holds(
    engine: Engine,
    vector: NDArray[np.float32],
    parts: tuple[str, ...],
    scale: float,
    photos: Sequence[OpenPhoto],
    limits: Limits,
) -> bool:
    edit = ScaledEdit(vector, parts, scale)
    effects = [side_effects(engine, photo, [edit]) for photo in photos]
    kept = [effect.identity for effect in effects if effect.identity is not None]
    if kept and float(np.mean(kept)) < limits.identity:
        return False
    return float(np.mean([effect.drift for effect in effects])) <= limits.drift
