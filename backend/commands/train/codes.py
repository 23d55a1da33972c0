"""`editgan train codes`: what a bundle's samples are drawn from."""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.bundles.bundle import read_bundle
from backend.training.codes import add_codes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bundle", type=Path, required=True, help="bundle folder; changed in place"
    )
    parser.add_argument("--images", type=Path, required=True, help="folder from `train align`")


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train codes`."""
    held = add_codes(read_bundle(args.bundle), args.images, quiet=args.quiet)
    return {"bundle": str(args.bundle), "variance": held}
