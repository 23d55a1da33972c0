"""StyleGAN2 Distillation (Viazovetskyi et al. 2020), a baseline: a network learns one edit.

A feed-forward network learns one edit from synthetic pairs: the generator's picture of a code, and
of the same code moved by the edit's vector. It then edits photos that were never embedded.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.generator import Generator
from backend.models.perceptual import PerceptualNetwork, feature_distance
from backend.models.picture_network import PictureNetwork

_TRUNCATION = 0.8  # of the codes: wilder ones look like no photo
_SCALES = 0.9, 1.1  # of the vector
_MSE, _PERCEPTUAL = 2.0, 0.4


class DistillationTrainer:
    """The network, its optimiser and one step."""

    def __init__(
        self, generator: Generator, perceptual: PerceptualNetwork, vector: Tensor, rate: float
    ) -> None:
        """vector: (n_ws, w_dim)."""
        self._generator, self._perceptual, self._vector = generator, perceptual, vector
        self.network = PictureNetwork()
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=rate, betas=(0.9, 0.99))
        self.seen = 0

    @torch.no_grad()
    def pairs(self, count: int) -> tuple[Tensor, Tensor]:
        """Pictures without and with the edit, (count, 3, R, R) each."""
        z = torch.randn(count, self._generator.config.z_dim)
        codes = self._generator.map(z, truncation=_TRUNCATION)
        low, high = _SCALES
        scale = low + (high - low) * torch.rand(count, 1, 1)
        both = torch.cat([codes, codes + scale * self._vector])
        before, after = self._generator(both)[0].clamp(-1, 1).chunk(2)
        mirrored = torch.rand(count)[:, None, None, None] < 0.5
        return (
            torch.where(mirrored, before.flip(3), before),
            torch.where(mirrored, after.flip(3), after),
        )

    def step(self, batch: int) -> Tensor:
        """One step; returns the loss."""
        before, after = self.pairs(batch)
        made = self.network(before)
        with torch.no_grad():
            wanted = self._perceptual.features(after)
        distance = feature_distance(self._perceptual.features(made), wanted).mean()
        loss = _MSE * F.mse_loss(made, after) + _PERCEPTUAL * distance
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.seen += batch
        return loss.detach()
