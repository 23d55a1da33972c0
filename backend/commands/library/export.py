"""`editgan library export`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from backend.commands.library.common import add_edit, open_library


@dataclass(frozen=True)
class LibraryExportReport:
    """What the command reports."""

    exported: str
    output: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_edit(parser)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="FILE",
        help="the .editgan file, or a folder for it (default: here)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> LibraryExportReport:
    """Write the file; raises EditLibraryError."""
    path = open_library().export(args.bundle, args.name, args.output)
    return LibraryExportReport(exported=args.name, output=str(path))


def describe(report: LibraryExportReport) -> str:
    return f"'{report.exported}' was written to {report.output}."
