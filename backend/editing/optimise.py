"""Optimising an edit in W+ (paper section 3.3): Adam on delta w+, all networks fixed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.bundles.networks import Networks
from backend.editing.objective import EditObjective
from backend.editing.progress import Progress, Report, ignore
from backend.models.pictures import to_picture

RATE = 0.02  # Adam, constant, as in the official release


@dataclass(frozen=True, eq=False)
class Optimised:
    """delta: the best iterate (1, n_ws, w_dim); losses: the total before each step and at the
    end; terms: those of the best iterate, weighted; enough: whether `report` ended it early."""

    delta: Tensor
    losses: tuple[float, ...]
    terms: dict[str, float]
    enough: bool = False

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.losses) - 1


def optimise(
    networks: Networks,
    w_plus: Tensor,
    objective: EditObjective,
    *,
    steps: int,
    start: Tensor | None = None,
    rate: float = RATE,
    report: Report = ignore,
) -> Optimised:
    """Minimise the objective over delta, from `start` (zero when None).

    w_plus, start: (1, n_ws, w_dim). Returns a clone of the best iterate, never the last one by
    accident, also when `report` says that it is enough.
    """
    delta = torch.zeros_like(w_plus) if start is None else start.clone()
    delta.requires_grad_(True)
    optimiser = torch.optim.Adam([delta], lr=rate)
    best, best_loss, best_terms = delta.detach().clone(), math.inf, {}
    losses: list[float] = []
    last = steps
    for step in range(steps + 1):
        image, features = networks.generator(w_plus + delta)
        terms = objective.terms(image, features)
        loss = torch.stack(list(terms.values())).sum()
        losses.append(loss.item())
        if losses[-1] < best_loss:
            best, best_loss = delta.detach().clone(), losses[-1]
            best_terms = {name: value.item() for name, value in terms.items()}
        if step == last:
            break
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        shown = image.detach()
        news = f"Step {step + 1} of {steps}"
        if report(Progress((step + 1) / steps, news, lambda s=shown: to_picture(s))):
            last = step + 1
    return Optimised(best, tuple(losses), best_terms, enough=last < steps)
