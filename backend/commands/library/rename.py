"""`editgan library rename`."""

from __future__ import annotations

import argparse

from backend.commands.library.common import EditReport, add_edit, open_library, report_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_edit(parser)
    parser.add_argument("new_name", metavar="NEW-NAME", help="the new title")


def run(args: argparse.Namespace) -> EditReport:
    """Rename a user's edit; raises EditLibraryError."""
    return report_of(open_library().rename(args.bundle, args.name, args.new_name))


def describe(report: EditReport) -> str:
    return f"The edit is now '{report.title}' ({report.name})."
