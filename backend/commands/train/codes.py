"""`editgan train codes`: what a bundle's samples are drawn from."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from backend.bundles.registry import bundle_at
from backend.commands.arguments import add_device
from backend.session.devices import choose_device
from backend.training.codes import add_codes


@dataclass(frozen=True)
class CodesTrainingReport:
    """What the command reports."""

    bundle: str
    variance: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="the model's name or folder")
    parser.add_argument("--images", type=Path, required=True, help="folder from `train align`")
    add_device(parser)


def run(args: argparse.Namespace) -> CodesTrainingReport:
    """`editgan train codes`."""
    device = choose_device(args.device)
    held = add_codes(bundle_at(args.bundle), args.images, device=device, quiet=args.quiet)
    return CodesTrainingReport(bundle=str(args.bundle), variance=held)
