"""`editgan train encoder`: an encoder for a finished generator."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tqdm import tqdm

from backend.bundles.bundle import Bundle, read_bundle, write_bundle_json
from backend.bundles.networks import load_encoder, load_generator, load_perceptual, save_network
from backend.commands.arguments import positive
from backend.models.encoder import Encoder
from backend.models.perceptual import at_least
from backend.training.dataset import AlignedDataset
from backend.training.encoder import EncoderTrainer
from backend.training.state import load_state, save_state


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
        losses = trainer.step(at_least(next(batches), bundle.resolution), args.samples)
        bar.update(args.batch)
        if trainer.seen % 4000 < args.batch or trainer.seen >= args.until:
            bar.set_postfix({k: f"{v:.3f}" for k, v in losses.items()})
            save_state(path, trainer.state())
    save_network(trainer.encoder, bundle.path("encoder"))
    write_bundle_json(bundle)
    return {"bundle": str(bundle.folder), "seen": trainer.seen, "losses": losses}
