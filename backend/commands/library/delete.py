"""`editgan library delete`."""

from __future__ import annotations

import argparse
from typing import Any

from backend.commands.library.common import add_edit, open_library


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_edit(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Move a user's edit to the trash; raises EditLibraryError."""
    return {"deleted": args.name, "trash": str(open_library().delete(args.bundle, args.name))}


def describe(report: dict[str, Any]) -> str:
    return f"'{report['deleted']}' was moved to {report['trash']}."
