"""`editgan train align`: cut aligned training pictures out of photos."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from backend.bundles.registry import bundle_at
from backend.commands.arguments import positive
from backend.training.align import ALIGNED, Framing, align
from backend.training.aligned_file import AlignedFile


@dataclass(frozen=True)
class AlignTrainingReport:
    """kept: how many pictures there are now; skipped: how many photos were left out, by reason."""

    kept: int
    skipped: dict[str, int]
    output: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, nargs="+", required=True,
        help="folders of photos, .zip archives or .tar shards",
    )  # fmt: skip
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--bundle", type=Path,
        help="the model that will learn from them: its kind of subject, resolution and crop",
    )  # fmt: skip
    parser.add_argument(
        "--domain", help="faces: detected; others: the middle of the picture (default: faces)"
    )
    parser.add_argument(
        "--aligned", action="store_const", const=ALIGNED, dest="domain",
        help="the pictures are aligned already (FFHQ's, say): take them as they are",
    )  # fmt: skip
    parser.add_argument("--resolution", type=positive, help="pixels (default: 128)")
    parser.add_argument(
        "--crop", type=aspect_text, metavar="W:H",
        help='aspect of what is shown, such as "4:3"; bars fill the square (default: no bars)',
    )  # fmt: skip
    parser.add_argument(
        "--whole", action="store_true",
        help="each picture is cut to its subject already: show it whole, grey beyond it, which "
        "training ignores",
    )  # fmt: skip
    parser.add_argument("--workers", type=positive, default=2)


def run(args: argparse.Namespace) -> AlignTrainingReport:
    """`editgan train align`: resumes where it was interrupted."""
    bundle = bundle_at(args.bundle) if args.bundle else None
    framing = Framing(
        domain=args.domain or (bundle.domain if bundle else "faces"),
        resolution=args.resolution or (bundle.resolution if bundle else 128),
        aspect=args.crop or (bundle.aspect if bundle else 1.0),
        whole=args.whole or (bundle is not None and bundle.whole),
    )
    found = align(args.images, args.output, framing, args.workers, quiet=args.quiet)
    return AlignTrainingReport(*found, str(args.output))


def aspect_text(text: str) -> float:
    """Width by height of "4:3"."""
    width, _, height = text.partition(":")
    try:
        found = float(width) / float(height)
    except (ValueError, ZeroDivisionError):
        found = 0.0
    if not 0.25 <= found <= 4:
        raise argparse.ArgumentTypeError(f"'{text}' is no aspect between 1:4 and 4:1, such as 4:3")
    return found


def describe(report: AlignTrainingReport) -> str:
    """How many pictures there are, and how many photos were left out, by reason."""
    lines = [f"{report.kept} pictures in {report.output}"]
    lines += [f"{count} skipped: {reason}" for reason, count in sorted(report.skipped.items())]
    if report.skipped:
        lines.append(f"Which: {Path(report.output) / AlignedFile.OUTCOMES}")
    return "\n".join(lines)
