"""Training an encoder for a finished generator (paper 3.2).

Real pictures: L2 + perceptual distance. The generator's own samples: the same, and the known
latent code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.perceptual import PerceptualNetwork, feature_distance
from backend.models.runtime.precision import channels_last, fast_bfloat16
from backend.training.state import TrainingState
from backend.training.team import ALONE, Team


class EncoderTrainer:
    """The encoder, its optimiser and one step; generator and perceptual network stay fixed.

    at_once: pictures whose activations are in memory together; gradients of more are added up.
    """

    def __init__(
        self,
        generator: Generator,
        encoder: Encoder,
        perceptual: PerceptualNetwork,
        *,
        rate: float = 2e-4,
        device: str = "cpu",
        at_once: int = 4,
        team: Team = ALONE,
    ) -> None:
        self.team = team
        self.device, self.at_once = torch.device(device), at_once
        self.generator = channels_last(generator.to(self.device))
        assert isinstance(perceptual, nn.Module)  # all of them are
        channels_last(perceptual.to(self.device))
        self.perceptual: PerceptualNetwork = perceptual
        self.encoder = encoder.to(self.device).train().requires_grad_(True)
        self.optimiser = torch.optim.Adam(self.encoder.parameters(), lr=rate)
        self.bfloat16 = self.device.type == "cuda" and fast_bfloat16(device)
        self.seen = 0

    def _rebuild(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The code of `image` (B, 3, R, R), and the reconstruction loss."""
        code = self.encoder(image, self.generator.w_avg)
        rebuilt, _ = self.generator(code)
        with torch.no_grad():
            wanted = self.perceptual.features(image)
        distance = feature_distance(self.perceptual.features(rebuilt), wanted).mean()
        return code, 10 * self.perceptual.scale * distance + F.mse_loss(rebuilt.float(), image)

    def step(self, real: Tensor | None, samples: int) -> dict[str, float]:
        """One step on real pictures (B, 3, R, R), where there are any, and on `samples` generated
        ones; returns the losses. Of several processes, each is given its share of both."""
        self.team.chance(0, self.seen)
        losses = dict.fromkeys(("real", "sampled", "latent"), 0.0)
        self.optimiser.zero_grad(set_to_none=True)
        photos = 0 if real is None else len(real)
        for some in () if real is None else real.to(self.device).split(self.at_once):
            share = len(some) / photos
            self._add(losses, {"real": share * self._loss(some, None)[0]})
        for some in self._known(samples).split(self.at_once):
            share = len(some) / samples
            with torch.no_grad(), self._precision():
                sampled = self.generator(some)[0].float().clamp(-1, 1)
            rebuilt, latent = self._loss(sampled, some)
            self._add(losses, {"sampled": share * rebuilt, "latent": share * 5 * latent})
        self.team.average_gradients(self.encoder.parameters())
        self.optimiser.step()
        self.seen += self.team.size * (photos or samples)
        losses["latent"] /= 5
        means = self.team.mean(torch.tensor(list(losses.values()), device=self.device))
        return dict(zip(losses, means.tolist(), strict=True))

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def _known(self, samples: int) -> Tensor:
        """Codes of pictures that the generator draws: (samples, n_ws, w_dim)."""
        z = torch.randn(samples, self.generator.config.z_dim)
        with torch.no_grad():
            return self.generator.map(z.to(self.device))

    def _loss(self, image: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor]:
        """The reconstruction loss, and the distance from the known code, if it is known."""
        with self._precision():
            code, loss = self._rebuild(image)
        return loss, loss.new_zeros(()) if known is None else F.mse_loss(code, known)

    def _add(self, losses: dict[str, float], parts: dict[str, Tensor]) -> None:
        """Add the gradients of some pictures, and note their losses."""
        torch.stack(list(parts.values())).sum().backward()
        for name, value in parts.items():
            losses[name] += value.item()

    def state(self) -> TrainingState:
        return {
            "encoder": self.encoder.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seen": self.seen,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.encoder.load_state_dict(state["encoder"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.seen = state["seen"]
