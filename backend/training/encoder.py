"""`editgan train encoder`: an encoder for a finished generator (paper 3.2).

Real pictures: L2 + perceptual distance. The generator's own samples: the same, and the known
latent code.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from backend.bundles.bundle import Bundle, read_bundle, write_bundle_json
from backend.bundles.networks import load_encoder, load_generator, load_perceptual, save_network
from backend.commands.arguments import positive
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.perceptual import PerceptualNetwork, feature_distance
from backend.training.dataset import AlignedDataset
from backend.training.state import load_state, save_state


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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="bundle folder")
    parser.add_argument("--images", type=Path, required=True, help="folder from `train align`")
    parser.add_argument("--run", dest="run_folder", type=Path, required=True, help="training state")
    parser.add_argument("--until", type=int, default=100_000, help="images to see in all")
    parser.add_argument("--batch", type=positive, default=8)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)


def _start(bundle: Bundle) -> EncoderTrainer:
    encoder = load_encoder(bundle) if bundle.has("encoder") else Encoder(bundle.config)
    return EncoderTrainer(load_generator(bundle), encoder, load_perceptual(bundle))


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train encoder`: resumes the run found in `--run`, then writes into the bundle."""
    torch.manual_seed(args.seed)
    bundle = read_bundle(args.bundle)
    trainer = _start(bundle)
    path = args.run_folder / "encoder.pt"
    if state := load_state(path):
        trainer.encoder.load_state_dict(state["encoder"])
        trainer.optimiser.load_state_dict(state["optimiser"])
        trainer.seen = state["seen"]
    data = AlignedDataset(args.images)
    batches = data.batches(args.batch, bundle.resolution, args.seed, trainer.seen)
    losses: dict[str, float] = {}
    bar = tqdm(
        total=args.until, initial=trainer.seen, unit="img", mininterval=5, disable=args.quiet
    )
    while trainer.seen < args.until:
        losses = trainer.step(next(batches), args.samples)
        bar.update(args.batch)
        if trainer.seen % 4000 < args.batch or trainer.seen >= args.until:
            bar.set_postfix({k: f"{v:.3f}" for k, v in losses.items()})
            parts = {"encoder": trainer.encoder, "optimiser": trainer.optimiser}
            save_state(path, {k: v.state_dict() for k, v in parts.items()} | {"seen": trainer.seen})
    save_network(trainer.encoder, bundle.path("encoder"))
    write_bundle_json(bundle)
    return {"bundle": str(bundle.folder), "seen": trainer.seen, "losses": losses}
