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
"""From x to the terms of the loss, scalars, and the picture (1, 3, R, R)."""

_BEFORE_RECORDING = 1  # step: what is recorded must have run


@dataclass(frozen=True, eq=False)
class OptimisationResult:
    """best: the best iterate; losses: the total before each step and at the end; terms: those of
    the best iterate; ended_early: whether the progress callback ended it."""

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
    """Minimise the sum of the terms, from `start`, which stays as it is.

    lr: Adam's, of each step; message: what `progress` gets after each, with the picture added.
    Returns a clone of the best iterate, never the last one by accident, also when `progress` says
    that it is enough.
    """
    x = start.detach().clone()
    optimizer = torch.optim.Adam([x], betas=betas)
    loss_and_gradient = LossAndGradient(x, evaluate)
    best, best_loss, best_terms = start.clone(), math.inf, dict[str, float]()
    losses, last = list[float](), steps
    for step in range(steps + 1):
        if x.is_cuda and step == _BEFORE_RECORDING < last:
            loss_and_gradient.record()
        terms, picture = loss_and_gradient(gradient=step < last)
        losses.append(sum(terms.values()))
        if losses[-1] < best_loss:
            best, best_loss, best_terms = x.clone(), losses[-1], terms
        if step == last:
            break
        for group in optimizer.param_groups:
            group["lr"] = lr(step)
        optimizer.step()
        if progress(replace(message(step), preview=partial(to_picture, picture))):
            last = step + 1
    return OptimisationResult(best, tuple(losses), best_terms, ended_early=last < steps)


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

    def __call__(self, *, gradient: bool) -> tuple[dict[str, float], Tensor]:
        """The terms, and the picture."""
        values, picture = self._replay() if self._replay else self._work(gradient=gradient)
        # A recording writes the next picture where this one is.
        shown = picture.clone() if self._replay else picture
        return dict(zip(self._names, values.tolist(), strict=True)), shown


def _evaluated(
    x: Tensor, evaluate: Evaluate, names: list[str], *, gradient: bool = True
) -> tuple[Tensor, Tensor]:
    """The terms, in one tensor, and the picture; writes down the terms' names."""
    leaf = x.detach().requires_grad_(gradient)  # a new one: a recording needs its own
    terms, picture = evaluate(leaf)
    names[:] = terms
    values = torch.stack(list(terms.values()))
    if gradient:
        (x.grad,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach(), picture.detach()
