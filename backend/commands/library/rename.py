"""`editgan library rename`."""

from __future__ import annotations

import argparse
from typing import Any

from backend.commands.library.common import add_edit, open_library, to_dict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_edit(parser)
    parser.add_argument("new_name", metavar="NEW-NAME", help="the new title")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Rename a user's edit; raises EditLibraryError."""
    return to_dict(open_library().rename(args.bundle, args.name, args.new_name))


def describe(report: dict[str, Any]) -> str:
    return f"The edit is now '{report['title']}' ({report['name']})."
