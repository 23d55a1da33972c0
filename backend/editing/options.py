"""What callers choose: how to optimise, and which editing vectors to apply. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from backend.editing.progress import ProgressCallback, no_progress, sub_progress
from backend.errors import BadSetting
from backend.photos.label_edit import LabelEdit

MAX_SCALE = 10.0  # ten times what was learned: beyond, no generator still shows its subject


@dataclass(frozen=True)
class Weights:
    """Lambdas of eq. 5 and the parts of eq. 2: rgb (lpips LPIPS + l2 L2) + CE + identity.

    The official release has rgb = 15 in its one configuration, a car of 512 pixels. Here it is 3:
    the photo outside r comes from the photo anyway, and at 64 pixels 15 holds the parts themselves
    in place.
    identity applies where the bundle has an identity network (faces). changed says how many times
    a pixel whose part changes counts in CE (1 in the paper): most of r keeps its parts, and where
    the branch is unsure of those their losses drown the few pixels that were painted.
    """

    rgb: float = 3.0
    lpips: float = 10.0
    l2: float = 5.0
    cross_entropy: float = 1.0
    identity: float = 1.0
    changed: float = 3.0

    @classmethod
    def named(cls, values: Mapping[str, float]) -> Weights:
        """The usual weights, but for those given by name; raises BadSetting for others, and for
        values that are negative or no numbers."""
        known = [field.name for field in fields(cls)]
        for name, value in values.items():
            if name not in known:
                raise BadSetting(
                    f"There is no weight '{name}'; the weights are {', '.join(known)}."
                )
            if not (math.isfinite(value) and value >= 0):
                raise BadSetting(f"The weight '{name}' cannot be {value}; give a number from 0 up.")
        return cls(**values)


@dataclass(frozen=True, eq=False)
class Optimisation:
    """How an edit is optimised.

    steps: of Adam; weights: of eqs. 2 to 5; start: the delta w+ float32 [n_ws, w_dim] to continue
    from, zero when None; progress: hears of every step, cancels, or ends early.
    """

    steps: int = 100
    weights: Weights = Weights()
    start: NDArray[np.float32] | None = None
    progress: ProgressCallback = no_progress

    def within(self, low: float, high: float) -> Optimisation:
        """The same as a share of longer work: its progress fills `low`..`high`."""
        return replace(self, progress=sub_progress(self.progress, low, high))


@dataclass(frozen=True, eq=False)
class ScaledEdit:
    """An editing vector float32 [n_ws, w_dim], its Q_edit and the scale s to apply it with.

    painted: what was painted, where the vector was learnt on the photo that it is applied to.
    """

    vector: NDArray[np.float32]
    parts: tuple[str, ...]
    scale: float
    painted: LabelEdit | None = None

    @property
    def applied(self) -> float:
        """The scale as it is applied, within +-MAX_SCALE; raises BadSetting if it is no number."""
        if not math.isfinite(self.scale):
            raise BadSetting(f"An edit cannot be applied {self.scale} times; give a number.")
        return min(max(self.scale, -MAX_SCALE), MAX_SCALE)
