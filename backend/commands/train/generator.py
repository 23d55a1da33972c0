"""`editgan train generator`: generator and encoder together."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from backend.bundles.networks import load_from
from backend.bundles.registry import bundle_at
from backend.commands.arguments import ALIGNED_PLACES, positive
from backend.commands.inputs import check_packages
from backend.commands.train.configs import given, shape_of
from backend.errors import BadImage
from backend.models.config import GeneratorConfig
from backend.models.identity import MobileFaceNet
from backend.training.clock import Clock, add_minutes
from backend.training.config import TrainingConfig, configured, read_config
from backend.training.dataset import OFTEN, AlignedDataset, read_draws
from backend.training.generator_run import Distances, GeneratorRun
from backend.training.state import LAST, load_state, restore_chance
from backend.training.team import Team, joined
from backend.training.trainer import GeneratorTrainer


@dataclass(frozen=True)
class GeneratorTrainingReport:
    """What the command reports."""

    seen: int
    images_per_second: float
    distance_before: float | None
    distance_best: float | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, nargs="+", required=True,
        help=f"pictures {ALIGNED_PLACES}; they may differ in resolution",
    )  # fmt: skip
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder for the run")
    parser.add_argument("--perceptual", type=Path, required=True, help="SqueezeNet .safetensors")
    parser.add_argument("--identity", type=Path, help="MobileFaceNet .safetensors, for faces")
    parser.add_argument("--until", type=int, default=1_000_000, help="images to see in all")
    add_minutes(parser)
    parser.add_argument("--start", type=Path, help="bundle to continue from, where no run is found")
    parser.add_argument(
        "--held-out",
        type=Path,
        help="text file of names never trained on; best.pt keeps what rebuilds them best",
    )
    parser.add_argument(
        "--often", type=Path, help=f"text file of names drawn {OFTEN} times as often"
    )
    parser.add_argument(
        "--draws", type=Path, help="how often each picture is drawn, by `train balance`"
    )
    parser.add_argument(
        "--const-size", type=int, nargs=2, metavar=("H", "W"),
        help="of the learned constant: 3 4 for pictures of that shape, as `align --whole`",
    )  # fmt: skip
    parser.add_argument("--save-every", type=int, default=4_000, help="images")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--config", type=Path, metavar="TOML",
        help="hyper-parameters, such as the file beside a bundle's card; options go before it",
    )  # fmt: skip
    for config in (GeneratorConfig, TrainingConfig):
        for field in fields(config):
            if field.name not in ("conv_clamp", "channel_table", "const_size"):
                kind = positive if field.name in ("batch", "half_life") else type(field.default)
                parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=None)


def _names(path: Path | None) -> frozenset[str]:
    """Those of a text file; raises BadImage."""
    if path is None:
        return frozenset()
    try:
        return frozenset(path.read_text(encoding="utf-8").split())
    except (OSError, ValueError) as error:
        raise BadImage(f"{path} is not a readable list of names ({error}).") from error


def run(args: argparse.Namespace) -> GeneratorTrainingReport:
    """`editgan train generator`: until `--until` images were seen, resuming a run found there.

    Under `torchrun` by all its processes together.
    """
    with joined(args.device) as (team, device):
        return _run(args, team, device)


def _run(args: argparse.Namespace, team: Team, device: str) -> GeneratorTrainingReport:
    began = time.monotonic()
    if args.held_out:
        check_packages("Keeping the best networks (--held-out)", ["torch_fidelity"])
    state = load_state(args.output / LAST) or {}
    bundle = bundle_at(args.start) if args.start and not state else None
    config = shape_of(args, asdict(bundle.config) if bundle else state.get("config", {}))
    settings = configured(
        TrainingConfig,
        state.get("recipe", {}),
        read_config(args.config),
        given(TrainingConfig, args),
    )
    identity = load_from(MobileFaceNet, args.identity) if args.identity else None
    if identity:
        identity.to(device)
    trainer = GeneratorTrainer(config, settings, args.perceptual, identity, device, team)
    if state:
        trainer.restore(state)
        restore_chance(state)
    elif bundle:
        trainer.start_from(bundle)
    start = trainer.seen
    distances = _train(trainer, args, device)
    seconds = time.monotonic() - began
    speed = (trainer.seen - start) / max(seconds, 1e-9)
    return GeneratorTrainingReport(trainer.seen, speed, **vars(distances))


def _train(trainer: GeneratorTrainer, args: argparse.Namespace, device: str) -> Distances:
    held_out = _names(args.held_out)
    data = AlignedDataset(
        args.images,
        exclude=held_out,
        often=_names(args.often),
        draws=read_draws(args.draws) if args.draws else None,
        device=device,
    )
    return GeneratorRun(
        images=args.images,
        output=args.output,
        until=args.until,
        save_every=args.save_every,
        clock=Clock(args.minutes),
        held_out=held_out,
        device=device,
        quiet=args.quiet,
    ).train(trainer, data)
