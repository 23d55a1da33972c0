"""`editgan train align`: cut aligned training pictures out of photos."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from backend.commands.arguments import positive
from backend.training.align import align
from backend.training.aligned_file import AlignedFile


@dataclass(frozen=True)
class AlignTrainingReport:
    """kept: how many pictures there are now; skipped: how many photos were left out, by reason."""

    kept: int
    skipped: dict[str, int]
    output: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, nargs="+", required=True, help="folders of photos")
    parser.add_argument("--output", "-o", type=Path, required=True, help="folder to write")
    parser.add_argument("--domain", default="faces", help="faces: detected; others: middle square")
    parser.add_argument("--resolution", type=positive, default=128)
    parser.add_argument("--workers", type=positive, default=2)


def run(args: argparse.Namespace) -> AlignTrainingReport:
    """`editgan train align`: goes on where it was interrupted."""
    size = args.resolution
    found = align(args.images, args.output, args.domain, size, args.workers, quiet=args.quiet)
    return AlignTrainingReport(*found, str(args.output))


def describe(report: AlignTrainingReport) -> str:
    """How many pictures there are, and how many photos were left out, by reason."""
    lines = [f"{report.kept} pictures in {report.output}"]
    lines += [f"{count} skipped: {reason}" for reason, count in sorted(report.skipped.items())]
    if report.skipped:
        lines.append(f"Which: {Path(report.output) / AlignedFile.OUTCOMES}")
    return "\n".join(lines)
