"""Training generator and encoder together: the networks, the losses, one step."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_encoder, load_from, load_generator
from backend.errors import EditGanError
from backend.models.config import GeneratorConfig
from backend.models.discriminator import ProjectedDiscriminator
from backend.models.encoder import Encoder
from backend.models.generator import Generator, sample_z
from backend.models.identity import IdentityNetwork
from backend.models.perceptual import SqueezeNetFeatures
from backend.training.augment import Augmentation
from backend.training.growing import grow_encoder, grow_generator
from backend.training.pictures import save_grid, to_uint8
from backend.training.shared_basis import find_shared_basis, rebase
from backend.training.state import update_average

_BALANCE_EVERY = 16  # steps between two looks at the losses' gradients


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides the network's shape."""

    batch: int = 4  # on a processor steps count more than pictures
    samples: int = 0  # pictures from the mapping network per step, once adversarial
    shared_from: int = 40_000  # images seen: one basis of W for all layers from here on
    discriminator_from: int = 150_000  # images seen: it learns to judge before it is listened to
    adversarial_from: int = 200_000  # images seen
    generator_rate: float = 8e-3  # equalised: weights are used 1 / sqrt(fan-in) as large
    mapping_rate: float = 0.03  # its weights are stored 100 times as large (lr_multiplier 0.01)
    encoder_rate: float = 4e-4
    momentum: float = 0.9  # Adam's; adversarial training wants less
    discriminator_rate: float = 4e-4
    mse_weight: float = 2.0
    perceptual_weight: float = 0.4
    identity_weight: float = 0.5  # one minus cosine similarity, with an identity network (faces)
    focus: float = 4.0  # how much more the middle of the picture counts in both
    adversarial_weight: float = 0.5  # its gradient at the picture, relative to reconstruction's
    latent_weight: float = 0.2  # encoder on the generator's own samples
    code_match_weight: float = 1.0  # mapping network's codes against the encoder's
    code_spread_weight: float = 0.02  # keeps W+ near W: layers' codes near their mean
    augment: float = 0.5
    half_life: int = 20_000  # images, of the moving average; at most a twentieth of those seen
    seed: int = 0


def energy_distance(a: Tensor, b: Tensor) -> Tensor:
    """Energy distance (Szekely and Rizzo 2013) between two sets of vectors, (N, D) and (M, D)."""
    within_a = torch.pdist(a).mean()
    within_b = torch.pdist(b).mean()
    return 2 * torch.cdist(a, b).mean() - within_a - within_b


def focus_map(side: int, strength: float) -> Tensor:
    """Weights (side, side) with mean 1, `1 + strength` times as large in the middle as outside."""
    at = (torch.arange(side) + 0.5) / side
    distance = (at[None] - 0.5).square() + (at[:, None] - 0.55).square()  # faces lie a little low
    weights = 1 + strength * torch.exp(-distance / 0.25**2)
    return weights / weights.mean()


def _gradient_ratio(reconstruction: Tensor, judged: Tensor, fake: Tensor) -> float:
    """Norm of one loss's gradient at the pictures by the other's (Esser et al. 2021, eq. 7)."""
    pulls = [
        torch.autograd.grad(loss, fake, retain_graph=True)[0] for loss in (reconstruction, judged)
    ]
    return float(pulls[0].norm() / pulls[1].norm().clamp(min=1e-8))


class GeneratorTrainer:
    """Networks, optimisers and one training step."""

    def __init__(
        self,
        config: GeneratorConfig,
        recipe: Recipe,
        perceptual: Path,
        identity: IdentityNetwork | None = None,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.config, self.recipe, self.identity = config, recipe, identity
        self.features = load_from(SqueezeNetFeatures, perceptual)
        self.generator = Generator(config)
        self.encoder = Encoder(config)
        self.discriminator = ProjectedDiscriminator(SqueezeNetFeatures.channels)
        for network in (self.features, self.generator, self.encoder, self.discriminator):
            network.to(memory_format=torch.channels_last)
        self.averages = nn.ModuleDict(
            {"generator": copy.deepcopy(self.generator), "encoder": copy.deepcopy(self.encoder)}
        ).requires_grad_(False)
        self.optimiser = self._new_optimiser()
        self.discriminator_optimiser = torch.optim.Adam(
            self.discriminator.parameters(),
            lr=recipe.discriminator_rate,
            betas=(0.0, 0.99),
            fused=True,
        )
        self.codes = torch.zeros(0, config.w_dim)  # recent codes of real pictures
        self.focus: dict[int, Tensor] = {}  # by resolution
        self.balance = 0.0  # how much stronger reconstruction pulls at a picture than the critic
        self.seen = 0
        self.shared_basis = False

    def _new_optimiser(self) -> torch.optim.Adam:
        rates = (
            (self.generator.blocks, self.recipe.generator_rate),
            (self.generator.mapping, self.recipe.mapping_rate),
            (self.encoder, self.recipe.encoder_rate),
        )
        groups = [{"params": network.parameters(), "lr": rate} for network, rate in rates]
        return torch.optim.Adam(groups, betas=(self.recipe.momentum, 0.99), fused=True)

    def share_basis(self, pictures: Iterable[Tensor]) -> float:
        """One basis of W for all layers, once; returns the share of variance that it explains.

        pictures: batches (B, 3, R, R), together well more than w_dim.
        """
        generator, encoder = self.averages["generator"], self.averages["encoder"]
        with torch.no_grad():
            codes = torch.cat([encoder(batch, generator.w_avg) for batch in pictures])
        basis = find_shared_basis(codes)
        rebase(generator, encoder, basis)
        rebase(self.generator, self.encoder, basis)
        self.optimiser = self._new_optimiser()
        self.codes = self.codes[:0]
        self.shared_basis = True
        return basis.explained

    def step(self, real: Tensor) -> dict[str, float]:
        """One optimisation step on (B, 3, R, R); returns the losses."""
        real = real.contiguous(memory_format=torch.channels_last)
        adversarial = self.seen >= self.recipe.adversarial_from
        with torch.autocast("cpu", torch.bfloat16):
            losses = self._adversarial(real) if adversarial else self._reconstruction(real)
        total = torch.stack([loss.float() for loss in losses.values()]).sum()
        if not torch.isfinite(total):
            raise EditGanError(f"The loss is not finite after {self.seen} images.")
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.encoder.parameters(), 5.0)
        self.optimiser.step()
        self.seen += len(real)
        half_life = min(self.recipe.half_life, 0.05 * self.seen)
        decay = 0.5 ** (len(real) / max(half_life, 1))
        update_average(self.averages["generator"], self.generator, decay)
        update_average(self.averages["encoder"], self.encoder, decay)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _encode(self, real: Tensor) -> Tensor:
        codes = self.encoder(real, self.generator.w_avg)
        new = codes.detach().mean(dim=1).float()
        self.codes = torch.cat([self.codes, new])[-512:]
        return codes

    def _code_losses(self, codes: Tensor) -> dict[str, Tensor]:
        if not self.shared_basis:
            return {}
        spread = (codes - codes.mean(dim=1, keepdim=True)).square().mean()
        losses = {"spread": self.recipe.code_spread_weight * spread}
        if self.shared_basis and len(self.codes) == 512:
            mapped = self.generator.mapping(torch.randn(256, self.config.z_dim)).float()
            losses["codes"] = self.recipe.code_match_weight * energy_distance(mapped, self.codes)
        return losses

    def _image_losses(
        self, real: Tensor, fake: Tensor, real_features: list[Tensor], features: list[Tensor]
    ) -> dict[str, Tensor]:
        squared = (fake.float() - real).square().mean(dim=1)
        layers = zip(features, real_features, strict=True)
        distances = [self._focused((x - y).float().square().sum(dim=1)) for x, y in layers]
        losses = {
            "mse": self.recipe.mse_weight * self._focused(squared),
            "perceptual": self.recipe.perceptual_weight * torch.stack(distances).sum(),
        }
        if self.identity is not None:
            alike = (self.identity.embed(fake) * self.identity.embed(real)).sum(dim=1)
            losses["identity"] = self.recipe.identity_weight * (1 - alike).mean()
        return losses

    def _focused(self, loss: Tensor) -> Tensor:
        """The mean of (B, h, w) in which the subject counts more than its surroundings."""
        side = loss.shape[-1]
        if side not in self.focus:
            self.focus[side] = focus_map(side, self.recipe.focus)
        return (loss * self.focus[side]).mean()

    def _reconstruction(self, real: Tensor) -> dict[str, Tensor]:
        codes = self._encode(real)
        fake, _ = self.generator(codes, self.generator.random_noise(len(real)))
        with torch.no_grad():
            real_features = self.features.features(real)
        fake_features = self.features.features(fake)
        losses = self._image_losses(real, fake, real_features, fake_features)
        if self.seen >= self.recipe.discriminator_from:
            losses["discriminator"] = self._train_discriminator(
                real, real_features, fake, fake_features
            )
        return losses | self._code_losses(codes)

    def _adversarial(self, real: Tensor) -> dict[str, Tensor]:
        recipe, b = self.recipe, len(real)
        codes = self._encode(real)
        # Detached: judged by the discriminator, the mapping would fall for a few good faces.
        sampled = self.generator.map(torch.randn(recipe.samples, self.config.z_dim)).detach()
        both = torch.cat([codes, sampled])
        fake, _ = self.generator(both, self.generator.random_noise(len(both)))
        pair = Augmentation.draw(b, recipe.augment)
        real_seen = pair(real)
        fake_seen = pair(fake[:b])
        if recipe.samples:
            others = Augmentation.draw(recipe.samples, recipe.augment)(fake[b:])
            fake_seen = torch.cat([fake_seen, others])
        with torch.no_grad():
            real_features = self.features.features(real_seen)
        fake_features = self.features.features(fake_seen)
        d_loss = self._train_discriminator(real_seen, real_features, fake_seen, fake_features)
        self.discriminator.requires_grad_(False)
        logits = self.discriminator(fake_seen, fake_features)
        self.discriminator.requires_grad_(True)
        losses = self._image_losses(real, fake[:b], real_features, [f[:b] for f in fake_features])
        judged = -torch.stack([x.float().mean() for x in logits]).sum()
        if self.seen // b % _BALANCE_EVERY == 0:
            self.balance = _gradient_ratio(torch.stack(list(losses.values())).sum(), judged, fake)
        losses["adversarial"] = recipe.adversarial_weight * self.balance * judged
        if recipe.samples:
            again = self.encoder(fake[b:].detach(), self.generator.w_avg)
            losses["latent"] = recipe.latent_weight * F.mse_loss(again, sampled)
        losses["discriminator"] = d_loss
        return losses | self._code_losses(codes)

    def _train_discriminator(
        self, real: Tensor, real_features: list[Tensor], fake: Tensor, fake_features: list[Tensor]
    ) -> Tensor:
        """Hinge loss on features that are there anyway; only the heads are trained."""
        real_logits = self.discriminator(real, real_features)
        fake_logits = self.discriminator(fake.detach(), [f.detach() for f in fake_features])
        loss = sum(F.relu(1 - x.float()).mean() for x in real_logits)
        loss = loss + sum(F.relu(1 + x.float()).mean() for x in fake_logits)
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.discriminator_optimiser.step()
        return loss.detach()

    def state(self) -> dict[str, Any]:
        return {
            "config": asdict(self.config),
            "recipe": asdict(self.recipe),
            "seen": self.seen,
            "codes": self.codes,
            "balance": self.balance,
            "shared_basis": self.shared_basis,
            "generator": self.generator.state_dict(),
            "encoder": self.encoder.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "averages": self.averages.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.seen, self.codes = state["seen"], state["codes"]
        self.balance = state["balance"]
        self.shared_basis = state["shared_basis"]
        for name in ("generator", "encoder", "discriminator", "averages"):
            getattr(self, name).load_state_dict(state[name])
        chosen = [(group["lr"], group["betas"]) for group in self.optimiser.param_groups]
        self.optimiser.load_state_dict(state["optimiser"])
        for group, (rate, betas) in zip(self.optimiser.param_groups, chosen, strict=True):
            group["lr"], group["betas"] = rate, betas  # a resumed run may ask for others
        self.discriminator_optimiser.load_state_dict(state["discriminator_optimiser"])

    def start_from(self, bundle: Bundle) -> None:
        """Go on from a finished bundle, grown where this run's resolution is larger; the rest
        begins anew."""
        grow_generator(load_generator(bundle), self.generator)
        grow_encoder(load_encoder(bundle), self.encoder)
        for name in ("generator", "encoder"):
            self.averages[name].load_state_dict(getattr(self, name).state_dict())
        self.seen, self.shared_basis = bundle.images_seen, True

    @torch.no_grad()
    def sample_sheet(self, path: Path, real: Tensor) -> None:
        """Write 8 photos, their reconstructions and 24 samples (the averaged networks) as PNG."""
        generator, encoder = self.averages["generator"], self.averages["encoder"]
        rebuilt, _ = generator(encoder(real, generator.w_avg))
        seeds = sample_z(self.config, range(24))
        sampled, _ = generator(generator.map(seeds))
        save_grid(path, to_uint8(torch.cat([real, rebuilt, sampled])), columns=8, zoom=2)


def averaged_networks(state: dict[str, Any]) -> tuple[Generator, Encoder]:
    """The averaged generator and encoder of a run's saved state, for use."""
    config = GeneratorConfig(**state["config"])
    networks = nn.ModuleDict({"generator": Generator(config), "encoder": Encoder(config)})
    networks.load_state_dict(state["averages"])
    networks.eval().requires_grad_(False)
    return networks["generator"], networks["encoder"]
