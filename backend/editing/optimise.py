"""Optimising an edit in W+ (paper section 3.3): Adam on delta w+, all networks fixed."""

from __future__ import annotations

import torch
from torch import Tensor

from backend.bundles.networks import Networks
from backend.editing.descent import OptimisationResult, minimise
from backend.editing.objective import EditObjective
from backend.editing.progress import Progress, ProgressCallback, no_progress

LR = 0.02  # Adam, constant, as in the official release


def optimise_delta(
    networks: Networks,
    w_plus: Tensor,
    objective: EditObjective,
    *,
    steps: int,
    start: Tensor | None = None,
    lr: float = LR,
    progress: ProgressCallback = no_progress,
) -> OptimisationResult:
    """Minimise the objective over delta, from `start` (zero when None).

    w_plus, start: (1, n_ws, w_dim). The best iterate that it returns is a delta of this shape.
    """

    def evaluate(delta: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        image, features = networks.generator(w_plus + delta)
        return objective.terms(image, features), image

    return minimise(
        torch.zeros_like(w_plus) if start is None else start,
        evaluate,
        steps=steps,
        lr=lambda step: lr,
        progress=progress,
        message=lambda step: Progress((step + 1) / steps, f"Step {step + 1} of {steps}"),
    )
