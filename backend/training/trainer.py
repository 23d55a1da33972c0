"""Training generator and encoder together: the networks, the losses, one step."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_from, load_generator, load_own_encoder
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.identity import IdentityNetwork
from backend.models.letterbox import letterboxed, shown_area
from backend.models.perceptual import SqueezeNetFeatures
from backend.models.pictures import save_grid, to_uint8
from backend.models.runtime.precision import channels_last, fast_bfloat16
from backend.training.augment import Augmentation
from backend.training.config import TrainingConfig
from backend.training.critic import Critic, close_up, gradient_ratio
from backend.training.growing import grow_encoder, grow_generator
from backend.training.shared_basis import find_shared_basis, rebase
from backend.training.state import TrainingState, update_average
from backend.training.team import ALONE, Team
from backend.training.views import CriticView, as_it_is, focus_map

_RECENT = 2048  # codes kept, for drawing others like them
_BALANCE_EVERY = 16  # steps between two looks at the losses' gradients


class GeneratorTrainer:
    """Networks, optimisers and one training step."""

    def __init__(
        self,
        config: GeneratorConfig,
        settings: TrainingConfig,
        perceptual: Path,
        identity: IdentityNetwork | None = None,
        device: str = "cpu",
        team: Team = ALONE,
    ) -> None:
        torch.manual_seed(settings.seed)
        team.check(settings.batch)
        self.team = team
        self.config, self.settings, self.identity = config, settings, identity
        self.device = torch.device(device)
        self.features = load_from(SqueezeNetFeatures, perceptual)
        self.generator = Generator(config)
        self.encoder = Encoder(config)
        for network in (self.features, self.generator, self.encoder):
            channels_last(network.to(self.device))
        self.averages = nn.ModuleDict(
            {"generator": copy.deepcopy(self.generator), "encoder": copy.deepcopy(self.encoder)}
        ).requires_grad_(False)
        self.optimiser = self._new_optimiser()
        # By the side of the photos: what is small itself is judged among its like.
        self.views = {config.resolution: self._new_views()}
        # Recent codes of real pictures.
        self.codes = torch.zeros(0, config.n_ws, config.w_dim, device=self.device)
        self.focus: dict[tuple[int, float], Tensor] = {}  # by side and strength
        self.balance = 0.0  # how much stronger reconstruction pulls at a picture than the critic
        self.bfloat16 = fast_bfloat16(device)
        self.seen = 0
        self.shared_basis = False

    @property
    def averaged(self) -> tuple[Generator, Encoder]:
        """The moving averages of both networks."""
        return _pair(self.averages)

    @property
    def _rates(self) -> tuple[float, float]:
        """Of generator and encoder, which are the optimiser's groups."""
        return self.settings.generator_rate, self.settings.encoder_rate

    def _new_optimiser(self) -> torch.optim.Adam:
        networks = self.generator.blocks, self.encoder
        pairs = zip(networks, self._rates, strict=True)
        groups = [{"params": network.parameters(), "lr": rate} for network, rate in pairs]
        return torch.optim.Adam(groups, betas=(self.settings.momentum, 0.99), fused=True)

    def _new_views(self) -> list[CriticView]:
        settings, channels = self.settings, SqueezeNetFeatures.channels

        def critic() -> Critic:
            return Critic(channels, settings.discriminator_rate, self.device)

        views = [CriticView(settings.perceptual_weight, settings.focus, critic())]
        if settings.close_up_weight:
            views.append(CriticView(settings.close_up_weight, 0.0, critic(), close_up))
        return views

    def _views_of(self, side: int) -> list[CriticView]:
        if side not in self.views:
            self.views[side] = self._new_views()
        return self.views[side]

    def share_basis(self, pictures: Iterable[Tensor]) -> float:
        """One basis of W for all layers, once; returns the share of variance that it explains.

        pictures: batches (B, 3, R, R), together well more than w_dim.
        """
        generator, encoder = self.averaged
        with torch.no_grad():
            codes = torch.cat([encoder(batch, generator.w_avg) for batch in pictures])
        basis = find_shared_basis(codes)
        rebase(generator, encoder, basis)
        rebase(self.generator, self.encoder, basis)
        self.optimiser = self._new_optimiser()
        self.codes = self.codes[:0]
        self.shared_basis = True
        return basis.explained

    def cool(self, until: int, most: float = 1.0) -> None:
        """Set the rates for a run that ends when `until` images were seen; most: of the settings'
        rates, 0..1."""
        share = min((until - self.seen) / max(self.settings.cool_over, 1), most)
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = share * rate

    def step(self, real: Tensor) -> dict[str, Tensor]:
        """One optimisation step on (B, 3, r, r), this process's share of the batch; returns the
        losses, still on the device.

        r: the resolution, or half of it, a quarter ... where the photos have no more detail. Then
        the generator's pictures are reduced to it before anything compares or judges them.
        """
        self.team.chance(self.settings.seed, self.seen)
        real = real.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            losses = self._losses(real)
        total = torch.stack([loss.float() for loss in losses.values()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        for network in (self.generator, self.encoder):
            self.team.average_gradients(network.parameters())
        nn.utils.clip_grad_norm_(self.encoder.parameters(), 5.0)
        self.optimiser.step()
        batch = self.team.size * len(real)
        self.seen += batch
        half_life = min(self.settings.half_life, 0.05 * self.seen)
        decay = 0.5 ** (batch / max(half_life, 1))
        update_average(self.averages["generator"], self.generator, decay)
        update_average(self.averages["encoder"], self.encoder, decay)
        means = self.team.mean(torch.stack([loss.detach().float() for loss in losses.values()]))
        return dict(zip(losses, means, strict=True))

    def _encode(self, real: Tensor) -> Tensor:
        codes = self.encoder(real, self.generator.w_avg)
        recent = self.team.gathered(codes.detach().float())
        self.codes = torch.cat([self.codes, recent])[-_RECENT:]
        return codes

    def _draw(self, amounts: Tensor) -> Tensor:
        """Codes (B, n_ws, w_dim) with the mean and the covariance of the recent ones, from
        standard normal amounts of each of these, (B, recent)."""
        mean = self.codes.mean(dim=0)
        offsets = (self.codes - mean).flatten(1) / len(self.codes) ** 0.5
        return mean + (amounts.to(offsets) @ offsets).float().unflatten(1, mean.shape)

    def _draw_some(self, photos: int) -> Tensor:
        """What the pictures beside so many photos are made from: none before their time."""
        if self.seen < max(self.settings.drawn_from, self.settings.adversarial_from):
            return self.codes[:0]
        count = round(self.settings.drawn_share * photos)
        return self._draw(torch.randn(count, len(self.codes), device=self.device))

    def _code_losses(self, codes: Tensor) -> dict[str, Tensor]:
        if not self.shared_basis:
            return {}
        spread = (codes - codes.mean(dim=1, keepdim=True)).square().mean()
        return {"spread": self.settings.code_spread_weight * spread}

    def _losses(self, real: Tensor) -> dict[str, Tensor]:
        codes = self._encode(real)
        shown = torch.cat([codes, self._draw_some(len(real))])
        pictures, _ = self.generator(shown, self.generator.random_noise(len(shown)))
        if (smaller := pictures.shape[-1] // real.shape[-1]) > 1:
            pictures = F.avg_pool2d(pictures, smaller)
        area = shown_area(real, self.config.aspect)  # a drawn picture gets that of a photo
        pictures = letterboxed(pictures, area[torch.arange(len(pictures)) % len(area)])
        fake = pictures[: len(real)]
        squared = (fake.float() - real).square().mean(dim=1)
        losses = {"mse": self.settings.mse_weight * self._focused(squared, self.settings.focus)}
        if self.identity is not None:
            alike = (self.identity.embed(fake) * self.identity.embed(real)).sum(dim=1)
            losses["identity"] = self.settings.identity_weight * (1 - alike).mean()
        looked = self._look(real, pictures)
        losses["perceptual"] = looked.pop("perceptual")
        if "judged" in looked:
            judged = looked.pop("judged")
            steps = self.seen // (self.team.size * len(real))
            if not self.balance or steps % _BALANCE_EVERY == 0:
                together = torch.stack(list(losses.values())).sum()
                ratio = gradient_ratio(together, judged, pictures, len(real))
                self.balance = self.team.mean(ratio).item()
            losses["adversarial"] = self.settings.adversarial_weight * self.balance * judged
        return losses | looked | self._code_losses(codes)

    def _look(self, real: Tensor, pictures: Tensor) -> dict[str, Tensor]:
        """What all views together say: perceptual, discriminator, judged.

        pictures: the reconstructions of `real`, then those of drawn codes.
        """
        adversarial = self.seen >= self.settings.adversarial_from
        found: dict[str, list[Tensor]] = defaultdict(list)
        # A photo and its reconstruction get the same augmentation, and the same in all views.
        strength, count = self.settings.augment, len(pictures)
        change = Augmentation.draw(count, strength, self.device) if adversarial else as_it_is
        for view in self._views_of(real.shape[-1]):
            a, b = change(view.crop(real)), change(view.crop(pictures))
            with torch.no_grad():
                a_features = self.features.features(a)
            b_features = self.features.features(b)
            pairs = zip(a_features, b_features, strict=True)
            layers = [(x - y[: len(x)]).float().square().sum(dim=1) for x, y in pairs]
            distance = torch.stack([self._focused(layer, view.focus) for layer in layers]).sum()
            found["perceptual"].append(view.weight * distance)
            if self.seen >= self.settings.discriminator_from:
                found["discriminator"].append(
                    view.critic.train(a, a_features, b, b_features, self.team)
                )
            if adversarial:
                found["judged"].append(view.critic.judge(b, b_features))
        return {name: torch.stack(values).sum() for name, values in found.items()}

    def _focused(self, loss: Tensor, strength: float) -> Tensor:
        """The mean of (B, h, w) in which the subject counts more than its surroundings."""
        key = (loss.shape[-1], strength)
        if key not in self.focus:
            self.focus[key] = focus_map(*key).to(loss.device)
        return (loss * self.focus[key]).mean()

    def state(self) -> TrainingState:
        return {
            "config": asdict(self.config),
            "recipe": asdict(self.settings),
            "seen": self.seen,
            "codes": self.codes,
            "balance": self.balance,
            "shared_basis": self.shared_basis,
            "generator": self.generator.state_dict(),
            "encoder": self.encoder.state_dict(),
            "averages": self.averages.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critics": {
                side: [view.critic.state() for view in views] for side, views in self.views.items()
            },
        }

    def restore(self, state: TrainingState) -> None:
        self.seen, self.codes = state["seen"], state["codes"].to(self.device)
        self.balance = state["balance"]
        self.shared_basis = state["shared_basis"]
        for name in ("generator", "encoder", "averages"):
            getattr(self, name).load_state_dict(state[name])
        chosen = [(group["lr"], group["betas"]) for group in self.optimiser.param_groups]
        self.optimiser.load_state_dict(state["optimiser"])
        for group, (rate, betas) in zip(self.optimiser.param_groups, chosen, strict=True):
            group["lr"], group["betas"] = rate, betas  # a resumed run may ask for others
        for side, critics in state["critics"].items():
            for view, saved in zip(self._views_of(side), critics, strict=False):  # one may be new
                view.critic.restore(saved)

    def start_from(self, bundle: Bundle) -> None:
        """Go on from a finished bundle, grown where this run's resolution is larger; the rest
        begins anew."""
        grow_generator(load_generator(bundle), self.generator)
        grow_encoder(load_own_encoder(bundle), self.encoder)
        for name in ("generator", "encoder"):
            self.averages[name].load_state_dict(getattr(self, name).state_dict())
        self.seen, self.shared_basis = bundle.images_seen, True

    @torch.no_grad()
    def sample_sheet(self, path: Path, real: Tensor) -> None:
        """Write 8 photos, their reconstructions and 24 samples (the averaged networks) as PNG."""
        generator, encoder = self.averaged
        rebuilt, _ = generator(encoder(real, generator.w_avg))
        same = torch.Generator().manual_seed(0)  # and no chance of the run's own is used up
        drawn, _ = generator(self._draw(torch.randn(24, len(self.codes), generator=same)))
        area = shown_area(real, self.config.aspect)
        rebuilt, drawn = letterboxed(rebuilt, area), letterboxed(drawn, area.any(0, keepdim=True))
        save_grid(path, to_uint8(torch.cat([real, rebuilt, drawn])), columns=8, zoom=2)


def averaged_networks(state: TrainingState) -> tuple[Generator, Encoder]:
    """The averaged generator and encoder of a run's saved state, for use."""
    config = GeneratorConfig(**state["config"])
    networks = nn.ModuleDict({"generator": Generator(config), "encoder": Encoder(config)})
    networks.load_state_dict(state["averages"])
    networks.eval().requires_grad_(False)
    return _pair(networks)


def _pair(networks: nn.ModuleDict) -> tuple[Generator, Encoder]:
    generator, encoder = networks["generator"], networks["encoder"]
    assert isinstance(generator, Generator) and isinstance(encoder, Encoder)
    return generator, encoder
