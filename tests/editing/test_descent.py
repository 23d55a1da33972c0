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
