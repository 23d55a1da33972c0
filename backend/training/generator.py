"""`editgan train generator`: generator and encoder together.

Reconstruction first: encoder and generator as an autoencoder in W+; on the way W gets one basis for
all layers. Then an adversarial loss comes on top, with reconstruction kept: the one makes pictures
sharp, the other keeps them varied. The mapping network is left alone: samples come from the
distribution of the encoder's codes.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from backend.bundles.bundle import read_bundle
from backend.bundles.networks import load_from
from backend.commands.arguments import positive
from backend.commands.inputs import check_packages
from backend.errors import BadImage
from backend.models.config import GeneratorConfig
from backend.models.identity import MobileFaceNet
from backend.training.dataset import OFTEN, AlignedDataset
from backend.training.interruption import whole_steps
from backend.training.recipe import Recipe
from backend.training.score import unseen_photos
from backend.training.state import LAST, load_state, restore_chance, save_state
from backend.training.trainer import GeneratorTrainer
from protocol.errors import UserError

if TYPE_CHECKING:
    from backend.training.best import BestKept

_SCORED = 200  # photos kept out of training by which the best networks are chosen
_BASIS_BATCHES = 256  # pictures for the basis of W: well more than w_dim


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, nargs="+", required=True,
        help="folders from `train align`; they may differ in resolution",
    )  # fmt: skip
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder for the run")
    parser.add_argument("--perceptual", type=Path, required=True, help="SqueezeNet .safetensors")
    parser.add_argument("--identity", type=Path, help="MobileFaceNet .safetensors, for faces")
    parser.add_argument("--until", type=int, default=1_000_000, help="images to see in all")
    parser.add_argument("--start", type=Path, help="bundle to go on from, where no run is found")
    parser.add_argument(
        "--held-out",
        type=Path,
        help="text file of names never trained on; best.pt keeps what rebuilds them best",
    )
    parser.add_argument(
        "--often", type=Path, help=f"text file of names drawn {OFTEN} times as often"
    )
    parser.add_argument("--save-every", type=int, default=4_000, help="images")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    for config in (GeneratorConfig, Recipe):
        for field in fields(config):
            if field.name not in ("conv_clamp", "channel_table", "const_size"):
                kind = positive if field.name in ("batch", "half_life") else type(field.default)
                parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=None)


def _chosen(config: type, args: argparse.Namespace, saved: dict[str, Any]) -> Any:
    """A config from the command line; what is not given there comes from the saved run."""
    given = {f.name: getattr(args, f.name, None) for f in fields(config)}
    return config(**(saved | {k: v for k, v in given.items() if v is not None}))


def _postfix(losses: list[dict[str, Tensor]]) -> dict[str, str]:
    """Means of the last losses, to be shown before the run is saved; raises UserError where one
    is no number."""
    recent = losses[-50:]
    means = {k: torch.stack([x[k] for x in recent if k in x]).float().mean() for k in recent[-1]}
    if not all(mean.isfinite() for mean in means.values()):
        raise UserError("A loss is not finite; the run saved before is as it was.")
    return {k: f"{mean:.3f}" for k, mean in means.items()}


def _shown_images(args: argparse.Namespace, resolution: int) -> Tensor:
    """Eight pictures for the sheets, held out where there are any, (8, 3, R, R)."""
    data, held = AlignedDataset(args.images, device=args.device), _held_out(args)
    shown = [i for i, name in enumerate(data.names) if name in held] or list(range(8))
    return data.batch(np.array(shown[:: max(len(shown) // 8, 1)][:8]), resolution)


def _best_kept(trainer: GeneratorTrainer, args: argparse.Namespace) -> BestKept | None:
    """What keeps a run's best networks, where there are photos to tell them by."""
    if not args.held_out:
        return None
    from backend.training.best import BestKept

    photos = unseen_photos(args.images, _held_out(args), trainer.config.resolution, _SCORED)
    return BestKept(args.output, trainer, photos.to(trainer.device))


def _train(trainer: GeneratorTrainer, data: AlignedDataset, args: argparse.Namespace) -> None:
    recipe, resolution = trainer.recipe, trainer.config.resolution
    shown, best = _shown_images(args, resolution), _best_kept(trainer, args)
    batches = data.batches(recipe.batch, resolution, recipe.seed, trainer.seen)
    losses: list[dict[str, Tensor]] = []
    bar = tqdm(
        total=args.until, initial=trainer.seen, unit="img", mininterval=10, disable=args.quiet
    )
    with whole_steps() as interrupted:
        while trainer.seen < args.until and not interrupted():
            _share_basis(trainer, data, args, bar)
            trainer.cool(args.until)
            losses.append(trainer.step(next(batches)))
            bar.update(recipe.batch)
            if trainer.seen % args.save_every < recipe.batch or trainer.seen >= args.until:
                shown_losses = _postfix(losses)
                save_state(args.output / LAST, trainer.state())
                if best:
                    distance = f"{best.offer():.3f}"
                    shown_losses |= {"distance": distance, "best": f"{best.distance:.3f}"}
                bar.set_postfix(shown_losses)
                trainer.sample_sheet(args.output / f"sheet-{trainer.seen:08d}.png", shown)
                losses = losses[-50:]
        if interrupted():
            save_state(args.output / LAST, trainer.state())


def _share_basis(
    trainer: GeneratorTrainer, data: AlignedDataset, args: argparse.Namespace, bar: tqdm[Any]
) -> None:
    """One basis of W for all layers, when its time has come."""
    recipe = trainer.recipe
    if trainer.shared_basis or trainer.seen < recipe.shared_from:
        return
    some = data.batches(recipe.batch, trainer.config.resolution, recipe.seed + 1, 0)
    explained = trainer.share_basis(itertools.islice(some, _BASIS_BATCHES))
    if not args.quiet:
        bar.write(f"One w for all layers holds {explained:.1%} of the codes' variance.", sys.stderr)


def _held_out(args: argparse.Namespace) -> frozenset[str]:
    return _names(args.held_out)


def _names(path: Path | None) -> frozenset[str]:
    """Those of a text file; raises BadImage."""
    if path is None:
        return frozenset()
    try:
        return frozenset(path.read_text(encoding="utf-8").split())
    except (OSError, ValueError) as error:
        raise BadImage(f"{path} is no list of names that can be read ({error}).") from error


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train generator`: until `--until` images were seen, resuming a run found there."""
    began = time.monotonic()
    if args.held_out:
        check_packages("Keeping the best networks (--held-out)", ["torch_fidelity"])
    state = load_state(args.output / LAST) or {}
    bundle = read_bundle(args.start) if args.start and not state else None
    shape = asdict(bundle.config) if bundle else state.get("config", {})
    config = _chosen(GeneratorConfig, args, shape)
    recipe = _chosen(Recipe, args, state.get("recipe", {}))
    identity = load_from(MobileFaceNet, args.identity) if args.identity else None
    if identity:
        identity.to(args.device)
    trainer = GeneratorTrainer(config, recipe, args.perceptual, identity, args.device)
    if state:
        trainer.restore(state)
        restore_chance(state)
    elif bundle:
        trainer.start_from(bundle)
    often = _names(args.often)
    data = AlignedDataset(args.images, exclude=_held_out(args), often=often, device=args.device)
    start = trainer.seen
    _train(trainer, data, args)
    seconds = time.monotonic() - began
    return {"seen": trainer.seen, "images_per_second": (trainer.seen - start) / max(seconds, 1e-9)}
