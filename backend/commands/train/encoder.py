"""`editgan train encoder`: an encoder for a finished generator."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tqdm import tqdm

from backend.bundles.bundle import Bundle, write_bundle_json
from backend.bundles.networks import (
    load_generator,
    load_own_encoder,
    load_perceptual,
    save_network,
)
from backend.bundles.registry import bundle_at
from backend.commands.arguments import ALIGNED_PLACES, add_device, positive
from backend.errors import BadImage
from backend.models.encoder import Encoder
from backend.models.perceptual import at_least
from backend.session.devices import choose_device
from backend.training.dataset import AlignedDataset
from backend.training.encoder import EncoderTrainer
from backend.training.state import load_state, saving
from backend.training.team import Team, joined


@dataclass(frozen=True)
class EncoderTrainingReport:
    """What the command reports."""

    bundle: str
    seen: int
    losses: dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="the model's name or folder")
    parser.add_argument("--images", type=Path, required=True, help=f"pictures {ALIGNED_PLACES}")
    parser.add_argument("--run", dest="run_folder", type=Path, required=True, help="training state")
    parser.add_argument("--until", type=int, default=100_000, help="images to see in all")
    parser.add_argument("--batch", type=positive, default=8)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument(
        "--at-once", type=positive, default=4, metavar="N",
        help="pictures in memory together; fewer take less memory (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--enlarge", action="store_true",
        help="take pictures that are smaller than the model's, too",
    )  # fmt: skip
    add_device(parser)


def _start(bundle: Bundle, args: argparse.Namespace, team: Team, device: str) -> EncoderTrainer:
    team.check(args.batch)
    team.check(args.samples)
    encoder = load_own_encoder(bundle) if bundle.has("encoder") else Encoder(bundle.config)
    return EncoderTrainer(
        load_generator(bundle),
        encoder,
        load_perceptual(bundle),
        device=device,
        at_once=args.at_once,
        team=team,
    )


def run(args: argparse.Namespace) -> EncoderTrainingReport:
    """`editgan train encoder`: resumes the run found in `--run`, then writes into the bundle.

    Under `torchrun` by all its processes together.
    """
    with joined(choose_device(args.device)) as (team, device):
        return _run(args, team, device)


def _run(args: argparse.Namespace, team: Team, device: str) -> EncoderTrainingReport:
    torch.manual_seed(args.seed)
    bundle = bundle_at(args.bundle)
    trainer = _start(bundle, args, team, device)
    path = args.run_folder / "encoder.pt"
    if state := load_state(path):
        trainer.restore(state)
    data = AlignedDataset(args.images)
    if data.smallest < bundle.resolution and not args.enlarge:
        raise BadImage(
            f"The pictures in {args.images} have {data.smallest} pixels, the model's "
            f"{bundle.resolution}: align them again with --bundle {args.bundle}, or add --enlarge."
        )
    batches = data.batches(args.batch, bundle.resolution, args.seed, trainer.seen, team)
    losses: dict[str, float] = {}
    bar = tqdm(
        total=args.until, initial=trainer.seen, unit="img", mininterval=5,
        disable=args.quiet or not team.leads,
    )  # fmt: skip
    with saving(path, trainer) if team.leads else nullcontext(lambda: None) as save:
        while trainer.seen < args.until:
            samples = args.samples // team.size
            losses = trainer.step(at_least(next(batches), bundle.resolution), samples)
            bar.update(args.batch)
            bar.set_postfix({k: f"{v:.3f}" for k, v in losses.items()}, refresh=False)
            save()
    if team.leads:
        save_network(trainer.encoder, bundle.path("encoder"))
        write_bundle_json(replace(bundle, encoder="residual"))
    return EncoderTrainingReport(bundle=str(bundle.folder), seen=trainer.seen, losses=losses)
