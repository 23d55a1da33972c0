"""Optimising an edit in W+ (paper section 3.3): Adam on delta w+, all networks fixed."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.bundles.networks import Networks
from backend.editing.descent import Descended, descend
from backend.editing.objective import EditObjective
from backend.editing.progress import Progress, Report, ignore

RATE = 0.02  # Adam, constant, as in the official release


def optimise(
    networks: Networks,
    w_plus: Tensor,
    objective: EditObjective,
    *,
    steps: int,
    start: Tensor | None = None,
    rate: float = RATE,
    report: Report = ignore,
) -> Descended:
    """Minimise the objective over delta, from `start` (zero when None).

    w_plus, start: (1, n_ws, w_dim). The best iterate that it returns is a delta of this shape.
    """

    def evaluate(delta: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        image, features = networks.generator(w_plus + delta)
        return objective.terms(image, features), image

    return descend(
        torch.zeros_like(w_plus) if start is None else start,
        evaluate,
        steps=steps,
        rate=lambda step: rate,
        report=report,
        news=lambda step: Progress((step + 1) / steps, f"Step {step + 1} of {steps}"),
    )
