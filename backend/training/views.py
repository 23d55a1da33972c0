"""Ways to look at a picture in training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.training.critic import Critic


def as_it_is(image: Tensor) -> Tensor:
    return image


@dataclass(frozen=True)
class CriticView:
    """A way to look at pictures, with a perceptual distance and a critic of its own."""

    weight: float  # of the perceptual distance
    focus: float  # how much more the middle counts in it
    critic: Critic
    crop: Callable[[Tensor], Tensor] = as_it_is  # (B, 3, R, R) -> the same shape


def focus_map(side: int, strength: float) -> Tensor:
    """Weights (side, side) with mean 1, `1 + strength` times as large in the middle as outside."""
    at = (torch.arange(side) + 0.5) / side
    distance = (at[None] - 0.5).square() + (at[:, None] - 0.55).square()  # faces lie a little low
    weights = 1 + strength * torch.exp(-distance / 0.25**2)
    return weights / weights.mean()
