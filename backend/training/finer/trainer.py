"""Training the finest block of a grown generator, all others frozen: losses and one step."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_encoder, load_from, load_generator
from backend.errors import BadSetting
from backend.models.discriminator import JUDGED
from backend.models.efficientnet import EfficientNetFeatures
from backend.models.generator import Generator, SynthesisBlock
from backend.models.perceptual import SqueezeNetFeatures, feature_distance
from backend.training.augment import Augmentation
from backend.training.config import FinerConfig
from backend.training.critic import Critic, gradient_ratio
from backend.training.finer.patches import PATCH, before_finest, cut, draw_corners, finest_patches
from backend.training.growing import grow_generator
from backend.training.state import TrainingState, update_average

_BALANCE_EVERY = 16  # steps between two looks at the losses' gradients
_REMEMBERED = 0.9  # of the balance, from one look to the next


class FinerTrainer:
    """The block, its discriminator, and one step.

    Pictures whose codes were found by embedding show what detail the codes stand for: the block
    learns to draw theirs. For all others the encoder's codes do: a discriminator alone says whether
    the detail looks like a photo's. Small photographs lend their codes only: what detail looks like
    is read off the large ones. Reduced to the small generator's size the picture stays what it was,
    so that codes, edits and parts of the small generator remain valid.
    """

    def __init__(
        self,
        bundle: Bundle,
        settings: FinerConfig,
        perceptual: Path,
        judging: Path | None = None,
        *,
        device: str = "cpu",
    ) -> None:
        """perceptual: SqueezeNet's weights; judging: EfficientNet-Lite0's, on whose features the
        discriminator works then. Raises BadBundle."""
        torch.manual_seed(settings.seed)
        self.settings, self.device = settings, torch.device(device)
        self.small, self.encoder = load_generator(bundle), load_encoder(bundle)
        config = replace(bundle.config, resolution=2 * bundle.resolution)
        self.generator = Generator(config).eval().requires_grad_(False)
        grow_generator(self.small, self.generator)
        self.features = load_from(SqueezeNetFeatures, perceptual)
        self.judging: SqueezeNetFeatures | EfficientNetFeatures = self.features
        layers: Sequence[int] = JUDGED
        if judging:
            self.judging = load_from(EfficientNetFeatures, judging)
            layers = range(len(self.judging.channels))
        for network in (self.small, self.encoder, self.generator, self.features, self.judging):
            network.to(self.device)
        finest = self.generator.blocks[-1]
        assert isinstance(finest, SynthesisBlock)
        self.block = finest.requires_grad_(True)
        self.average = copy.deepcopy(self.block).requires_grad_(False)
        rate = settings.discriminator_rate
        self.critic = Critic(self.judging.channels, rate, self.device, layers)
        self.optimiser = torch.optim.Adam(self.block.parameters(), settings.rate, (0.0, 0.99))
        self.balance, self.seen = 0.0, 0

    def cool(self, rate: float) -> None:
        """Learn at this share of the settings' rate, 0..1."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate * self.settings.rate

    def encode(self, pictures: Tensor) -> Tensor:
        """The small generator's codes of (B, 3, S, S), any side S, from the encoder."""
        side = self.small.config.resolution
        with torch.no_grad():
            return self.encoder(F.interpolate(pictures, size=side, mode="area"), self.small.w_avg)

    def step(self, known: Tensor, codes: Tensor, others: Tensor) -> dict[str, Tensor]:
        """One step; returns the losses.

        known (A, 3, R, R) with codes (A, n_ws, w_dim) of the small generator; others (B, 3, S, S),
        S <= R: of smaller ones only the codes serve, and the known ones are shown once more.
        """
        codes = torch.cat([codes, self.encode(others)])
        features, rgb = before_finest(self.small, codes)
        corners = draw_corners(len(codes), rgb.shape[-1])
        styles = [codes[:, -1]] * 3  # a grown encoder repeats the last w, see `grow_encoder`
        real = cut(torch.cat([known, _large(others, known)]), 2 * corners, PATCH)
        fake = finest_patches(self.block, features, rgb, styles, corners)
        reduced = F.avg_pool2d(fake, 2) - cut(rgb, corners, PATCH // 2)
        losses = self._losses(real, fake, len(known))
        losses["same"] = self.settings.same_weight * reduced.square().mean()
        losses |= self._balanced(losses, losses.pop("judged", None), fake)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        self.optimiser.step()
        self.seen += len(real)
        update_average(self.average, self.block, self._decay(len(real)))
        return {name: loss.detach() for name, loss in losses.items()}

    def _decay(self, images: int) -> float:
        half_life = min(self.settings.half_life, 0.05 * self.seen)
        return 0.5 ** (images / max(half_life, 1))

    def _losses(self, real: Tensor, fake: Tensor, known: int) -> dict[str, Tensor]:
        """Perceptual distance of the first `known` patches, and what the discriminator says."""
        change = Augmentation.draw(len(real), self.settings.augment, self.device)
        a, b = change(real), change(fake)
        with torch.no_grad():
            a_features = self.features.features(a)
        b_features = self.features.features(b)
        pairs = [(x[:known], y[:known]) for x, y in zip(a_features, b_features, strict=True)]
        distance = feature_distance([x for x, _ in pairs], [y for _, y in pairs]).mean()
        found = {"perceptual": self.settings.perceptual_weight * distance}
        if self.judging is not self.features:
            with torch.no_grad():
                a_features = self.judging.features(a)
            b_features = self.judging.features(b)
        found["discriminator"] = self.critic.train(a, a_features, b, b_features)
        if self.seen >= self.settings.adversarial_from:
            found["judged"] = self.critic.judge(b, b_features)
        return found

    def _balanced(
        self, losses: dict[str, Tensor], judged: Tensor | None, fake: Tensor
    ) -> dict[str, Tensor]:
        """The discriminator's verdict at a fixed share of the other losses' pull (Esser et al.
        2021, eq. 7)."""
        if judged is None:
            return {}
        steps = self.seen // len(fake)
        if not self.balance or steps % _BALANCE_EVERY == 0:
            others = losses["perceptual"] + losses["same"]
            ratio = gradient_ratio(others, judged, fake, len(fake)).item()
            self.balance += (1 - _REMEMBERED if self.balance else 1) * (ratio - self.balance)
        return {"adversarial": self.settings.adversarial_weight * self.balance * judged}

    def averaged(self) -> Generator:
        """The grown generator with the block's moving average."""
        grown = copy.deepcopy(self.generator)
        grown.blocks[-1].load_state_dict(self.average.state_dict())
        return grown.requires_grad_(False)

    def state(self) -> TrainingState:
        return {
            "recipe": asdict(self.settings),
            "seen": self.seen,
            "balance": self.balance,
            "block": self.block.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critic": self.critic.state(),
            "judging": self.judging.name,
        }

    def restore(self, state: TrainingState) -> None:
        """Raises BadSetting where the discriminator worked on another network's features."""
        before = state.get("judging", SqueezeNetFeatures.name)
        if before != self.judging.name:
            raise BadSetting(
                f"This run's discriminator works on {before}, not on {self.judging.name}; resume "
                "it with the same --judging, or begin anew."
            )
        self.seen, self.balance = state["seen"], state["balance"]
        for name in ("block", "average", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.critic.restore(state["critic"])


def _large(others: Tensor, known: Tensor) -> Tensor:
    """Pictures (B, 3, R, R) that have all detail: the others, or where these are smaller than the
    known ones (A, 3, R, R), those by turns."""
    if others.shape[-1] == known.shape[-1]:
        return others
    return known[torch.arange(len(others)) % len(known)]
