"""A discriminator that training listens to, and what is shown to it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.discriminator import JUDGED, ProjectedDiscriminator
from backend.models.runtime.precision import channels_last
from backend.training.state import TrainingState
from backend.training.team import ALONE, Team

_CLOSE_TOP = 0.35  # eyes and mouth of a face in an FFHQ-like frame lie below, within half a side


def close_up(image: Tensor) -> Tensor:
    """The middle half of (B, C, R, R), where eyes and mouth are, enlarged to (B, C, R, R)."""
    side = image.shape[-1]
    top, left = round(_CLOSE_TOP * side), side // 4
    middle = image[..., top : top + side // 2, left : left + side // 2]
    return F.interpolate(middle, size=(side, side), mode="bilinear", align_corners=False)


def gradient_ratio(reconstruction: Tensor, judged: Tensor, pictures: Tensor, count: int) -> Tensor:
    """Norm of one loss's gradient at the first `count` pictures by the other's (Esser et al. 2021,
    eq. 7)."""
    pulls = [
        torch.autograd.grad(loss, pictures, retain_graph=True)[0][:count]
        for loss in (reconstruction, judged)
    ]
    return pulls[0].norm() / pulls[1].norm().clamp(min=1e-8)


class Critic:
    """A discriminator with its optimiser. Pictures (B, 3, R, R) come with their features, which
    are needed for the perceptual distance anyway."""

    def __init__(
        self,
        channels: tuple[int, ...],
        rate: float,
        device: str | torch.device,
        layers: Sequence[int] = JUDGED,
    ) -> None:
        """channels: of the feature network's layers; layers: those that are judged."""
        network = ProjectedDiscriminator(channels, layers)
        self.discriminator = channels_last(network.to(device))
        self.optimiser = torch.optim.Adam(
            self.discriminator.parameters(), lr=rate, betas=(0.0, 0.99), fused=True
        )

    def train(
        self,
        real: Tensor,
        real_features: list[Tensor],
        fake: Tensor,
        fake_features: list[Tensor],
        team: Team = ALONE,
    ) -> Tensor:
        """One step by the hinge loss, which is returned; only the discriminator learns."""
        real_logits = self.discriminator(real, real_features)
        fake_logits = self.discriminator(fake.detach(), [f.detach() for f in fake_features])
        nothing = real_logits[0].new_zeros((), dtype=torch.float32)
        loss = sum((F.relu(1 - x.float()).mean() for x in real_logits), nothing)
        loss = loss + sum((F.relu(1 + x.float()).mean() for x in fake_logits), nothing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        team.average_gradients(self.discriminator.parameters())
        self.optimiser.step()
        return loss.detach()

    def judge(self, fake: Tensor, features: list[Tensor]) -> Tensor:
        """The generator's loss, with a gradient at the pictures only."""
        self.discriminator.requires_grad_(False)
        logits = self.discriminator(fake, features)
        self.discriminator.requires_grad_(True)
        return -torch.stack([x.float().mean() for x in logits]).sum()

    def state(self) -> TrainingState:
        return {
            "discriminator": self.discriminator.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: TrainingState) -> None:
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimiser.load_state_dict(state["optimiser"])
