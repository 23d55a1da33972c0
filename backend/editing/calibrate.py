"""How far an editing vector can be turned up, and turned round, before the picture suffers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

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

    From 0 outwards in either direction, until the subject is no longer the same (where there is an
    identity network) or the picture changes where it should not. At least a quarter each way.
    """

    def furthest(sign: int) -> float:
        tried = [sign * scale for scale in SCALES if scale <= limits.scale]
        good = list(takewhile(lambda s: _holds(engine, vector, parts, s, photos, limits), tried))
        return good[-1] if good else tried[0]

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
