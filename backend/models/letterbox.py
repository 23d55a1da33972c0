"""Training pictures that do not fill their square: what is beyond them is grey, and no loss and no
score sees it."""

from __future__ import annotations

import torch
from torch import Tensor

GREY = 128  # of what a picture does not cover, 0..255
_NEAR = 4.5 / 127.5  # from grey: what compression makes of it is grey still


def shown_area(pictures: Tensor, aspect: float = 1.0) -> Tensor:
    """What pictures (B, 3, S, S) in [-1, 1] show of their subjects: bool (B, 1, S, S).

    The rest are rows and columns at the edges that are grey all along. aspect: width by height of
    what lies between the bars of all of them, which count as grey.
    """
    side = pictures.shape[-1]
    plain = (pictures - _grey()).abs().amax(dim=1) < _NEAR  # (B, S, S)
    away = (torch.arange(side, device=pictures.device) + 0.5 - side / 2).abs() / (side / 2)
    plain = plain | (away > min(1 / aspect, 1))[:, None] | (away > min(aspect, 1))
    rows, columns = _within(plain.all(dim=2)), _within(plain.all(dim=1))
    return (rows[:, None, :, None] & columns[:, None, None, :]).detach()


def _grey() -> float:
    return GREY / 127.5 - 1


def _within(grey: Tensor) -> Tensor:
    """Which lines (B, N) come after the grey ones at the beginning and before those at the end."""
    first = grey.int().cumprod(dim=1)
    last = grey.flip(1).int().cumprod(dim=1).flip(1)
    return (first + last) == 0


def letterboxed(pictures: Tensor, shown: Tensor) -> Tensor:
    """Pictures (B, 3, S, S), grey where nothing is shown, (B or 1, 1, S, S)."""
    return torch.where(shown, pictures, torch.full_like(pictures, _grey()))
