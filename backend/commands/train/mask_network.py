"""`editgan train maskgan`: teach MaskGAN's network to paint label maps, a baseline."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from backend.bundles import find_bundle
from backend.bundles.networks import load_from, save_network
from backend.commands.arguments import add_bundle, positive
from backend.errors import BadBundle
from backend.evaluation.held_out import held_out_names
from backend.models.perceptual import SqueezeNetFeatures
from backend.models.pictures import save_grid, to_uint8
from backend.training.face_parts import FaceParts
from backend.training.interruption import whole_steps
from backend.training.mask_painting import Batch, MaskTrainer, pairs, part_table
from backend.training.parser import HELD_OUT
from backend.training.state import LAST, load_state, save_state

_SHOWN = 8
_NAME = "maskgan.safetensors"  # in the run's folder


@dataclass(frozen=True)
class MaskNetworkTrainingReport:
    """photos: how many it learnt from; skipped: names of those that cannot be used."""

    output: str
    seen: int
    photos: int
    skipped: tuple[str, ...]
    losses: dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    parser.add_argument("--images", type=Path, required=True, help="photos N.*, maps N_parts.png")
    parser.add_argument("--run", dest="run_folder", type=Path, required=True, help="training state")
    parser.add_argument("--until", type=positive, default=60_000, help="photos to see in all")
    parser.add_argument(
        "--adversarial-from", type=int, default=10_000, metavar="N",
        help="photos seen from which on a discriminator is listened to (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--batch", type=positive, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--save-every", type=positive, default=1000)
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> MaskNetworkTrainingReport:
    """`editgan train maskgan`: resumes the run found in `--run`."""
    torch.manual_seed(args.seed)
    bundle = find_bundle(args.bundle)
    if not bundle.has("parser"):
        raise BadBundle(f"The model '{bundle.name}' has no face parser, which reads the maps.")
    held_out = frozenset(held_out_names(HELD_OUT) or ())
    data = FaceParts.of(args.images, args.run_folder / "crops", quiet=args.quiet)
    features = load_from(SqueezeNetFeatures, bundle.path("perceptual"))
    trainer = MaskTrainer(len(bundle.parts), features, args.rate, args.adversarial_from)
    if state := load_state(args.run_folder / LAST):
        trainer.restore(state)
    kept, back = (data.indices(held_out, among=among) for among in (False, True))
    table = part_table(bundle.parts)

    def batch(of: NDArray[np.int64], seed: list[int], count: int) -> Batch:
        return pairs(data, of, table, bundle.resolution, np.random.default_rng(seed), count)

    bar = tqdm(total=args.until, initial=trainer.seen, unit="photo", disable=args.quiet or None)
    losses: dict[str, Tensor] = {}
    with whole_steps() as interrupted:
        while trainer.seen < args.until and not interrupted():
            losses = trainer.step(batch(kept, [args.seed, trainer.seen], args.batch))
            bar.update(args.batch)
            if trainer.seen % args.save_every < args.batch or trainer.seen >= args.until:
                bar.set_postfix({name: f"{float(loss):.3f}" for name, loss in losses.items()})
                _save(trainer, args.run_folder, batch(back, [args.seed], _SHOWN))
        if interrupted():
            save_state(args.run_folder / LAST, trainer.state())
    output = args.run_folder / _NAME
    save_network(trainer.network, output)
    return MaskNetworkTrainingReport(
        output=str(output),
        seen=trainer.seen,
        photos=len(kept),
        skipped=data.skipped,
        losses={name: float(loss) for name, loss in losses.items()},
    )


@torch.no_grad()
def _save(trainer: MaskTrainer, folder: Path, shown: Batch) -> None:
    """The state, and a sheet of photos kept out: style, picture wanted, picture painted."""
    save_state(folder / LAST, trainer.state())
    photos, parts, pictures, wanted, _ = shown
    made = trainer.network(photos, parts, wanted)
    rows = to_uint8(torch.cat([photos, pictures, made]))
    save_grid(folder / f"sheet-{trainer.seen:08d}.png", rows, columns=_SHOWN)
