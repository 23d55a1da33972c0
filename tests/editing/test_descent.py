"""The loop that embedding and edits share."""

import math

import torch
from torch import Tensor

from backend.editing.descent import minimise
from backend.editing.progress import Progress, no_progress


def test_the_best_iterate_is_found_after_a_loss_that_is_no_number() -> None:
    seen: list[float] = []

    def evaluate(at: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        seen.append(at.item())
        loss = at.square().sum() + (math.nan if len(seen) == 1 else 0.0)  # its gradient is one
        return {"loss": loss}, torch.zeros(1, 3, 2, 2)

    found = minimise(
        torch.full((1,), 2.0),
        evaluate,
        steps=3,
        lr=lambda step: 0.5,
        progress=no_progress,
        message=lambda step: Progress(0.0, "Embedding"),
    )
    assert math.isnan(found.losses[0]) and found.steps == 3
    assert found.terms["loss"] == min(found.losses[1:])


def test_every_row_has_a_best_iterate_of_its_own() -> None:
    step = iter(range(4))

    def evaluate(at: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        # The first row gets worse from the second step on, the other one better.
        now = next(step)
        worse = torch.tensor([[0.0, 0.0, 9.0, 9.0][now], -float(now)])
        return {"square": at.square().sum(dim=1), "worse": worse}, torch.zeros(2, 3, 2, 2)

    start = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    found = minimise(
        start,
        evaluate,
        steps=3,
        lr=lambda step: 0.1,
        progress=no_progress,
        message=lambda step: Progress(0.0, "Embedding"),
    )
    torch.testing.assert_close(found.best, start - torch.tensor([[0.1], [0.3]]), atol=1e-3, rtol=0)
    best = found.best.square().sum().item() - 3
    assert abs(sum(found.terms.values()) - best) < 1e-5 and len(found.losses) == 4
