"""Training an encoder for a finished generator (paper 3.2).

Real pictures: L2 + perceptual distance. The generator's own samples: the same, and the known
latent code.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.perceptual import PerceptualNetwork, feature_distance


class EncoderTrainer:
    """The encoder, its optimiser and one step; generator and perceptual network stay fixed."""

    def __init__(
        self,
        generator: Generator,
        encoder: Encoder,
        perceptual: PerceptualNetwork,
        *,
        rate: float = 2e-4,
    ) -> None:
        self.generator, self.perceptual = generator, perceptual
        self.encoder = encoder.train().requires_grad_(True)
        self.optimiser = torch.optim.Adam(self.encoder.parameters(), lr=rate)
        self.seen = 0

    def state(self) -> dict[str, Any]:
        """What `editgan train encoder` resumes from."""
        return {
            "encoder": self.encoder.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seen": self.seen,
        }

    def _rebuild(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The code of `image` (B, 3, R, R), and the reconstruction loss."""
        code = self.encoder(image, self.generator.w_avg)
        rebuilt, _ = self.generator(code)
        with torch.no_grad():
            wanted = self.perceptual.features(image)
        distance = feature_distance(self.perceptual.features(rebuilt), wanted).mean()
        return code, 10 * self.perceptual.scale * distance + F.mse_loss(rebuilt, image)

    def step(self, real: Tensor, samples: int) -> dict[str, float]:
        """One step on (B, 3, R, R) real pictures and `samples` generated ones; returns the
        losses."""
        z = torch.randn(samples, self.generator.config.z_dim)
        with torch.no_grad():
            known = self.generator.map(z)
            sampled, _ = self.generator(known)
        _, loss_real = self._rebuild(real)
        code, loss_sampled = self._rebuild(sampled.clamp(-1, 1))
        loss_latent = F.mse_loss(code, known)
        self.optimiser.zero_grad(set_to_none=True)
        (loss_real + loss_sampled + 5 * loss_latent).backward()
        self.optimiser.step()
        self.seen += len(real)
        losses = {"real": loss_real, "sampled": loss_sampled, "latent": loss_latent}
        return {name: value.item() for name, value in losses.items()}
