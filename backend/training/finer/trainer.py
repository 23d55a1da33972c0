"""Training the finest block of a grown generator, all others frozen: losses and one step."""

from __future__ import annotations

import copy
from dataclasses import asdict, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_encoder, load_from, load_generator
from backend.models.generator import Generator, SynthesisBlock
from backend.models.perceptual import SqueezeNetFeatures, feature_distance
from backend.training.augment import Augmentation
from backend.training.config import FinerConfig
from backend.training.critic import Critic
from backend.training.finer.patches import PATCH, before_finest, cut, draw_corners, finest_patches
from backend.training.growing import grow_generator
from backend.training.state import TrainingState, update_average

_BALANCE_EVERY = 16  # steps between two looks at the losses' gradients
_REMEMBERED = 0.9  # of the balance, from one look to the next


class FinerTrainer:
    """The block, its discriminator, and one step.

    Pictures whose codes were found by embedding show what detail the codes stand for: the block
    learns to draw theirs. For all others the encoder's codes do: a discriminator alone says whether
    the detail looks like a photo's. Reduced to the small generator's size the picture stays what it
    was, so that codes, edits and parts of the small generator remain valid.
    """

    def __init__(self, bundle: Bundle, settings: FinerConfig, perceptual: Path) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.small, self.encoder = load_generator(bundle), load_encoder(bundle)
        config = replace(bundle.config, resolution=2 * bundle.resolution)
        self.generator = Generator(config).eval().requires_grad_(False)
        grow_generator(self.small, self.generator)
        finest = self.generator.blocks[-1]
        assert isinstance(finest, SynthesisBlock)
        self.block = finest.requires_grad_(True)
        self.average = copy.deepcopy(self.block).requires_grad_(False)
        self.features = load_from(SqueezeNetFeatures, perceptual)
        self.critic = Critic(SqueezeNetFeatures.channels, settings.discriminator_rate, "cpu")
        self.optimiser = torch.optim.Adam(self.block.parameters(), settings.rate, (0.0, 0.99))
        self.balance, self.seen = 0.0, 0

    def encode(self, pictures: Tensor) -> Tensor:
        """The small generator's codes of (B, 3, R, R), from the encoder."""
        with torch.no_grad():
            return self.encoder(F.avg_pool2d(pictures, 2), self.small.w_avg)

    def step(self, known: Tensor, codes: Tensor, others: Tensor) -> dict[str, Tensor]:
        """One step; returns the losses.

        known (A, 3, R, R) with codes (A, n_ws, w_dim) of the small generator; others (B, 3, R, R).
        """
        codes = torch.cat([codes, self.encode(others)])
        features, rgb = before_finest(self.small, codes)
        corners = draw_corners(len(codes), rgb.shape[-1])
        styles = [codes[:, -1]] * 3  # a grown encoder repeats the last w, see `grow_encoder`
        real = cut(torch.cat([known, others]), 2 * corners, PATCH)
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
        change = Augmentation.draw(len(real), self.settings.augment)
        a, b = change(real), change(fake)
        with torch.no_grad():
            a_features = self.features.features(a)
        b_features = self.features.features(b)
        pairs = [(x[:known], y[:known]) for x, y in zip(a_features, b_features, strict=True)]
        distance = feature_distance([x for x, _ in pairs], [y for _, y in pairs]).mean()
        found = {"perceptual": self.settings.perceptual_weight * distance}
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
            pulls = [
                torch.autograd.grad(loss, fake, retain_graph=True)[0].norm()
                for loss in (others, judged)
            ]
            ratio = float(pulls[0] / pulls[1].clamp(min=1e-8))
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
        }

    def restore(self, state: TrainingState) -> None:
        self.seen, self.balance = state["seen"], state["balance"]
        for name in ("block", "average", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate  # a resumed run may ask for another
        self.critic.restore(state["critic"])
