"""Adam on one tensor, all networks fixed: what embedding a photo and optimising an edit share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from backend.editing.progress import Progress, ProgressCallback
from backend.models.pictures import to_picture
from backend.models.runtime.replay import Replay, replay_of

Evaluate = Callable[[Tensor], tuple[dict[str, Tensor], Tensor]]
"""From x (B, ...) to the terms of the loss, (B,) each or scalars where B is 1, and the pictures
(B, 3, R, R)."""

_BEFORE_RECORDING = 1  # step: what is recorded must have run


@dataclass(frozen=True, eq=False)
class OptimisationResult:
    """best: the best iterate of each row of x; losses: the total before each step and at the end;
    terms: those of the best iterates, summed over rows; ended_early: whether the progress callback
    ended it."""

    best: Tensor
    losses: tuple[float, ...]
    terms: dict[str, float]
    ended_early: bool = False

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.losses) - 1


def minimise(
    start: Tensor,
    evaluate: Evaluate,
    *,
    steps: int,
    lr: Callable[[int], float],
    progress: ProgressCallback,
    message: Callable[[int], Progress],
    betas: tuple[float, float] = (0.9, 0.999),
) -> OptimisationResult:
    """Minimise the sum of the terms, from `start` (B, ...), which stays as it is.

    Rows of x are problems of their own: Adam and the best iterates do not mix them. lr: Adam's,
    of each step; message: what `progress` gets after each, with the first picture added. Returns a
    clone of the best iterates, never the last ones by accident, also when `progress` says that it
    is enough.
    """
    x = start.detach().clone()
    optimizer = torch.optim.Adam([x], betas=betas)
    loss_and_gradient = LossAndGradient(x, evaluate)
    best, best_terms = start.clone(), [dict[str, float]() for _ in start]
    best_losses = [math.inf] * len(start)
    losses, last = list[float](), steps
    for step in range(steps + 1):
        if x.is_cuda and step == _BEFORE_RECORDING < last:
            loss_and_gradient.record()
        rows, picture = loss_and_gradient(gradient=step < last)
        totals = [sum(terms.values()) for terms in rows]
        losses.append(sum(totals))
        for row, total in enumerate(totals):
            if total < best_losses[row]:
                best[row], best_losses[row], best_terms[row] = x[row], total, rows[row]
        if step == last:
            break
        for group in optimizer.param_groups:
            group["lr"] = lr(step)
        optimizer.step()
        if progress(replace(message(step), preview=partial(to_picture, picture))):
            last = step + 1
    terms = {name: sum(row[name] for row in best_terms) for name in best_terms[0]}
    return OptimisationResult(best, tuple(losses), terms, ended_early=last < steps)


class LossAndGradient:
    """The terms at a tensor x that changes in place, and the gradient of their sum, left in
    `x.grad`."""

    def __init__(self, x: Tensor, evaluate: Evaluate) -> None:
        self._names: list[str] = []
        self._work = partial(_evaluated, x, evaluate, self._names)
        self._replay: Replay[tuple[Tensor, Tensor]] | None = None

    def record(self) -> None:
        """Have a GPU replay what it does from now on, if its memory allows it."""
        self._replay = replay_of(self._work)

    def __call__(self, *, gradient: bool) -> tuple[list[dict[str, float]], Tensor]:
        """The terms of each row of x, and the pictures."""
        values, picture = self._replay() if self._replay else self._work(gradient=gradient)
        # A recording writes the next picture where this one is.
        shown = picture.clone() if self._replay else picture
        return [dict(zip(self._names, row, strict=True)) for row in values.t().tolist()], shown


def _evaluated(
    x: Tensor, evaluate: Evaluate, names: list[str], *, gradient: bool = True
) -> tuple[Tensor, Tensor]:
    """The terms (terms, B), and the pictures; writes down the terms' names."""
    leaf = x.detach().requires_grad_(gradient)  # a new one: a recording needs its own
    terms, picture = evaluate(leaf)
    names[:] = terms
    values = torch.stack([term.reshape(-1) for term in terms.values()])
    if gradient:
        (x.grad,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach(), picture.detach()
