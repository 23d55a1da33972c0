"""`editgan train parser`: a face parser from hand-labelled photographs."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from backend.bundles.bundle import write_bundle_json
from backend.bundles.networks import save_network
from backend.bundles.registry import bundle_at
from backend.commands.arguments import positive
from backend.evaluation.held_out import held_out_names
from backend.training.face_parts import FaceParts
from backend.training.parser import (
    HELD_OUT,
    ParserScores,
    ParserTrainer,
    class_weights,
    parser_scores,
    side,
)
from backend.training.photographic import augmented
from backend.training.state import load_state, saving


@dataclass(frozen=True, kw_only=True)
class ParserTrainingReport(ParserScores):
    """What the command reports."""

    bundle: str
    skipped: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="the model's name or folder")
    parser.add_argument("--images", type=Path, required=True, help="photos N.*, maps N_parts.png")
    parser.add_argument("--run", dest="run_folder", type=Path, required=True, help="training state")
    parser.add_argument("--steps", type=positive, default=3000)
    parser.add_argument("--batch", type=positive, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)


def _batch(
    data: FaceParts, kept: NDArray[np.int64], count: int, step: int, size: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Augmented crops of one step, the same whenever it is taken: (B, 3, size, size), (B, ...)."""
    rng = np.random.default_rng([seed, step])
    epoch, first = divmod(step * count, len(kept) - count)
    order = np.random.default_rng([seed, epoch, 1]).permutation(kept)
    chosen = order[first : first + count]
    pairs = [augmented(data.images[i], data.labels[i], size, rng) for i in chosen]
    images = torch.from_numpy(np.stack([image for image, _ in pairs])).permute(0, 3, 1, 2)
    labels = torch.from_numpy(np.stack([labels for _, labels in pairs]).astype(np.int64))
    return images.float() / 127.5 - 1, labels


def run(args: argparse.Namespace) -> ParserTrainingReport:
    """`editgan train parser`: resumes the run found in `--run`, then writes into the bundle."""
    torch.manual_seed(args.seed)
    bundle = bundle_at(args.bundle)
    held_out = frozenset(held_out_names(HELD_OUT) or ())
    data = FaceParts.of(args.images, args.run_folder / "crops", quiet=args.quiet)
    kept, back = (data.indices(held_out, among=among) for among in (False, True))
    start = bundle.path("perceptual") if bundle.has("perceptual") else None
    weights = class_weights(data.labels[::4, ::4, ::4])
    trainer = ParserTrainer(start, weights, rate=args.rate, steps=args.steps)
    path = args.run_folder / "parser.pt"
    if state := load_state(path):
        trainer.restore(state)
    bar = tqdm(
        total=args.steps, initial=trainer.done, unit="step", mininterval=5, disable=args.quiet
    )
    with saving(path, trainer) as save:
        while trainer.done < args.steps:
            size = side(trainer.done, args.steps)
            loss = trainer.step(*_batch(data, kept, args.batch, trainer.done, size, args.seed))
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            save()
    save_network(trainer.average, bundle.path("parser"))
    write_bundle_json(bundle)
    scores = parser_scores(trainer.average, data, back)
    return ParserTrainingReport(**vars(scores), bundle=str(bundle.folder), skipped=data.skipped)


def describe(report: ParserTrainingReport) -> str:
    lines = [f"intersection over union on {report.photos} photos kept out of training:"]
    for group in (report.iou, report.six):
        lines += [f"  {score:5.3f}  {name}" for name, score in group.items()]
    lines.append(f"  {report.mean_of_six:5.3f}  mean of the six")
    if names := report.skipped:
        lines.append(f"{len(names)} photos skipped, unreadable or tiny: {', '.join(names)}")
    return "\n".join(lines)
