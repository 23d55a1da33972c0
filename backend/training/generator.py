"""`editgan train generator`: generator and encoder together.

Reconstruction first: encoder and generator as an autoencoder in W+; on the way W gets one basis for
all layers. Then an adversarial loss comes on top, with reconstruction kept: the one makes pictures
sharp, the other keeps them varied. The mapping network is fitted to the encoder's codes alone, so
that samples come from the region of W that real photos live in, all of it.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from backend.errors import EditGanError
from backend.models.config import GeneratorConfig
from backend.models.discriminator import ProjectedDiscriminator
from backend.models.encoder import Encoder
from backend.models.generator import Generator, sample_z
from backend.models.perceptual import SqueezeNetFeatures, feature_distance
from backend.training.augment import Augmentation
from backend.training.dataset import AlignedDataset
from backend.training.pictures import save_grid, to_uint8
from backend.training.shared_basis import find_shared_basis, rebase
from backend.training.state import load_state, save_state, update_average

_BASIS_BATCHES = 256  # pictures for the basis of W: well more than w_dim


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides the network's shape."""

    batch: int = 16
    samples: int = 8  # pictures from the mapping network per step, once adversarial
    shared_from: int = 40_000  # images seen: one basis of W for all layers from here on
    adversarial_from: int = 200_000  # images seen
    generator_rate: float = 1e-3
    mapping_rate: float = 0.03  # its weights are stored 100 times as large (lr_multiplier 0.01)
    encoder_rate: float = 2e-4
    discriminator_rate: float = 4e-4
    mse_weight: float = 2.0
    perceptual_weight: float = 0.25
    adversarial_weight: float = 0.15
    latent_weight: float = 0.2  # encoder on the generator's own samples
    code_match_weight: float = 1.0  # mapping network's codes against the encoder's
    code_spread_weight: float = 0.02  # keeps W+ near W: layers' codes near their mean
    augment: float = 0.5
    seed: int = 0


def energy_distance(a: Tensor, b: Tensor) -> Tensor:
    """Energy distance (Szekely and Rizzo 2013) between two sets of vectors, (N, D) and (M, D)."""
    within_a = torch.pdist(a).mean()
    within_b = torch.pdist(b).mean()
    return 2 * torch.cdist(a, b).mean() - within_a - within_b


class GeneratorTrainer:
    """Networks, optimisers and one training step."""

    def __init__(self, config: GeneratorConfig, recipe: Recipe, perceptual: Path) -> None:
        torch.manual_seed(recipe.seed)
        self.config, self.recipe = config, recipe
        self.features = SqueezeNetFeatures(perceptual)
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
            self.discriminator.parameters(), lr=recipe.discriminator_rate, betas=(0.0, 0.99)
        )
        self.codes = torch.zeros(0, config.w_dim)  # recent codes of real pictures
        self.seen = 0
        self.shared_basis = False

    def _new_optimiser(self) -> torch.optim.Adam:
        rates = (
            (self.generator.blocks, self.recipe.generator_rate),
            (self.generator.mapping, self.recipe.mapping_rate),
            (self.encoder, self.recipe.encoder_rate),
        )
        groups = [{"params": network.parameters(), "lr": rate} for network, rate in rates]
        return torch.optim.Adam(groups, betas=(0.5, 0.99))

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
        half_life = min(20_000, 0.05 * self.seen)
        decay = 0.5 ** (len(real) / max(half_life, 1))
        update_average(self.averages["generator"], self.generator, decay)
        update_average(self.averages["encoder"], self.encoder, decay)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _encode(self, real: Tensor) -> Tensor:
        codes = self.encoder(real, self.generator.w_avg)
        new = codes.detach().mean(dim=1).float()
        self.codes = torch.cat([self.codes, new])[-512:]
        return codes

    def _noise(self, batch: int) -> list[Tensor]:
        return self.generator.random_noise(batch)

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
        return {
            "mse": self.recipe.mse_weight * F.mse_loss(fake.float(), real),
            "perceptual": self.recipe.perceptual_weight
            * feature_distance(features, real_features).mean(),
        }

    def _reconstruction(self, real: Tensor) -> dict[str, Tensor]:
        codes = self._encode(real)
        fake, _ = self.generator(codes, self._noise(len(real)))
        with torch.no_grad():
            real_features = self.features.features(real)
        losses = self._image_losses(real, fake, real_features, self.features.features(fake))
        return losses | self._code_losses(codes)

    def _adversarial(self, real: Tensor) -> dict[str, Tensor]:
        recipe, b = self.recipe, len(real)
        codes = self._encode(real)
        # Detached: judged by the discriminator, the mapping would fall for a few good faces.
        sampled = self.generator.map(torch.randn(recipe.samples, self.config.z_dim)).detach()
        both = torch.cat([codes, sampled])
        fake, _ = self.generator(both, self._noise(len(both)))
        pair = Augmentation.draw(b, recipe.augment)
        real_seen = pair(real)
        fake_seen = torch.cat(
            [pair(fake[:b]), Augmentation.draw(recipe.samples, recipe.augment)(fake[b:])]
        )
        with torch.no_grad():
            real_features = self.features.features(real_seen)
        fake_features = self.features.features(fake_seen)
        d_loss = self._train_discriminator(real_seen, real_features, fake_seen, fake_features)
        self.discriminator.requires_grad_(False)
        logits = self.discriminator(fake_seen, fake_features)
        self.discriminator.requires_grad_(True)
        losses = self._image_losses(real, fake[:b], real_features, [f[:b] for f in fake_features])
        losses["adversarial"] = -recipe.adversarial_weight * sum(x.float().mean() for x in logits)
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
        self.shared_basis = state["shared_basis"]
        for name in ("generator", "encoder", "discriminator", "averages"):
            getattr(self, name).load_state_dict(state[name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.discriminator_optimiser.load_state_dict(state["discriminator_optimiser"])

    @torch.no_grad()
    def sample_sheet(self, path: Path, real: Tensor) -> None:
        """Write 8 photos, their reconstructions and 24 samples (the averaged networks) as PNG."""
        generator, encoder = self.averages["generator"], self.averages["encoder"]
        rebuilt, _ = generator(encoder(real, generator.w_avg))
        seeds = sample_z(self.config, range(24))
        sampled, _ = generator(generator.map(seeds))
        save_grid(path, to_uint8(torch.cat([real, rebuilt, sampled])), columns=8, zoom=2)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, required=True, help="folder from `train align`")
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder for the run")
    parser.add_argument("--perceptual", type=Path, required=True, help="SqueezeNet .safetensors")
    parser.add_argument("--until", type=int, default=1_000_000, help="images to see in all")
    parser.add_argument("--held-out", type=Path, help="text file of names never trained on")
    parser.add_argument("--save-every", type=int, default=4_000, help="images")
    for config in (GeneratorConfig, Recipe):
        for field in fields(config):
            if field.name != "conv_clamp":
                kind = type(field.default)
                parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=None)


def _chosen(config: type, args: argparse.Namespace, saved: dict[str, Any]) -> Any:
    """A config from the command line; what is not given there comes from the saved run."""
    given = {f.name: getattr(args, f.name, None) for f in fields(config)}
    return config(**(saved | {k: v for k, v in given.items() if v is not None}))


def _postfix(losses: list[dict[str, float]]) -> dict[str, str]:
    recent = losses[-50:]
    return {k: f"{np.mean([x[k] for x in recent if k in x]):.3f}" for k in recent[-1]}


def _shown_images(folder: Path, held: frozenset[str], resolution: int) -> Tensor:
    """Eight pictures for the sheets, held out where there are any, (8, 3, R, R)."""
    data = AlignedDataset(folder)
    shown = [i for i, name in enumerate(data.names) if name in held] or list(range(8))
    return data.batch(np.array(shown[:: max(len(shown) // 8, 1)][:8]), resolution)


def _train(trainer: GeneratorTrainer, data: AlignedDataset, args: argparse.Namespace) -> None:
    recipe, resolution = trainer.recipe, trainer.config.resolution
    shown = _shown_images(args.images, _held_out(args), resolution)
    batches = data.batches(recipe.batch, resolution, recipe.seed, trainer.seen)
    losses: list[dict[str, float]] = []
    bar = tqdm(total=args.until, initial=trainer.seen, unit="img", mininterval=10)
    while trainer.seen < args.until:
        if not trainer.shared_basis and trainer.seen >= recipe.shared_from:
            some = data.batches(recipe.batch, resolution, recipe.seed + 1, 0)
            explained = trainer.share_basis(itertools.islice(some, _BASIS_BATCHES))
            bar.write(
                f"One w for all layers holds {explained:.1%} of the codes' variance.", sys.stderr
            )
        losses.append(trainer.step(next(batches)))
        bar.update(recipe.batch)
        if trainer.seen % args.save_every < recipe.batch:
            bar.set_postfix(_postfix(losses))
            save_state(args.output / "state.pt", trainer.state())
            trainer.sample_sheet(args.output / f"sheet-{trainer.seen:08d}.png", shown)
            losses = losses[-50:]


def _held_out(args: argparse.Namespace) -> frozenset[str]:
    return frozenset(args.held_out.read_text().split()) if args.held_out else frozenset()


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train generator`: until `--until` images were seen, resuming a run found there."""
    began = time.monotonic()
    state = load_state(args.output / "state.pt") or {}
    config = _chosen(GeneratorConfig, args, state.get("config", {}))
    recipe = _chosen(Recipe, args, state.get("recipe", {}))
    trainer = GeneratorTrainer(config, recipe, args.perceptual)
    if state:
        trainer.restore(state)
        torch.set_rng_state(state["rng"])
    data = AlignedDataset(args.images, exclude=_held_out(args))
    start = trainer.seen
    _train(trainer, data, args)
    save_state(args.output / "state.pt", trainer.state())
    seconds = time.monotonic() - began
    return {"seen": trainer.seen, "images_per_second": (trainer.seen - start) / max(seconds, 1e-9)}
