"""`editgan library delete`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from backend.commands.library.common import add_edit, open_library


@dataclass(frozen=True)
class LibraryDeleteReport:
    """What the command reports."""

    deleted: str
    trash: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_edit(parser)


def run(args: argparse.Namespace) -> LibraryDeleteReport:
    """Move a user's edit to the trash; raises EditLibraryError."""
    return LibraryDeleteReport(
        deleted=args.name, trash=str(open_library().delete(args.bundle, args.name))
    )


def describe(report: LibraryDeleteReport) -> str:
    return f"'{report.deleted}' was moved to {report.trash}."
