"""`editgan train distilled`: teach a feed-forward network one edit, a baseline."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from backend.bundles import find_bundle
from backend.bundles.networks import load_generator, load_perceptual, save_network
from backend.commands.arguments import add_bundle, positive
from backend.training.distill import DistillationTrainer
from backend.training.interruption import whole_steps
from backend.training.state import load_state, save_state


@dataclass(frozen=True)
class DistilledTrainingReport:
    """What the command reports."""

    output: str
    seen: int
    loss: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    parser.add_argument("--edit", default="smile", help="of the library (default: %(default)s)")
    parser.add_argument("--output", "-o", type=Path, required=True, help=".safetensors to write")
    parser.add_argument("--until", type=positive, default=40_000, help="pairs to see in all")
    parser.add_argument("--batch", type=positive, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--save-every", type=positive, default=1000)
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> DistilledTrainingReport:
    """`editgan train distilled`: resumes from the state beside the output."""
    from edit_library import Library
    from protocol.paths import library_dir

    torch.manual_seed(args.seed)
    bundle = find_bundle(args.bundle)
    edit = Library(library_dir()).get(bundle.name, args.edit)
    edit.info.check_generator(bundle.sha, (bundle.config.n_ws, bundle.config.w_dim))
    vector = torch.from_numpy(edit.vector)
    generator, perceptual = load_generator(bundle), load_perceptual(bundle)
    trainer = DistillationTrainer(generator, perceptual, vector, args.rate)
    path = args.output.with_suffix(".state.pt")
    if state := load_state(path):
        trainer.network.load_state_dict(state["network"])
        trainer.optimiser.load_state_dict(state["optimiser"])
        trainer.seen = state["seen"]
    loss = _train(trainer, path, args)
    save_network(trainer.network, args.output)
    return DistilledTrainingReport(output=str(args.output), seen=trainer.seen, loss=loss)


def _train(trainer: DistillationTrainer, path: Path, args: argparse.Namespace) -> float:
    """Until `args.until` pairs were seen; returns the mean of the last losses."""
    losses = [torch.tensor(float("nan"))]
    bar = tqdm(total=args.until, initial=trainer.seen, unit="pair", disable=args.quiet)

    def save() -> None:
        network, optimiser = trainer.network.state_dict(), trainer.optimiser.state_dict()
        save_state(path, {"network": network, "optimiser": optimiser, "seen": trainer.seen})

    with whole_steps() as interrupted:
        while trainer.seen < args.until and not interrupted():
            losses.append(trainer.step(args.batch))
            bar.update(args.batch)
            if trainer.seen % args.save_every < args.batch or trainer.seen >= args.until:
                bar.set_postfix(loss=f"{torch.stack(losses[-50:]).nanmean():.3f}")
                save()
        if interrupted():
            save()
    return float(torch.stack(losses[-50:]).nanmean())
