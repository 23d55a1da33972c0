"""What the library's commands share."""

from __future__ import annotations

import argparse
from typing import Any

from backend.commands.arguments import add_bundle
from edit_library import EditInfo, Library
from protocol.paths import library_dir


def open_library() -> Library:
    return Library(library_dir())


def add_edit(parser: argparse.ArgumentParser) -> None:
    """NAME and --bundle: which edit."""
    parser.add_argument("name", metavar="NAME", help="the edit's name or title")
    add_bundle(parser)


def to_dict(info: EditInfo) -> dict[str, Any]:
    """An edit for a report."""
    extra = {"source": info.source, "folder": str(info.folder)}
    return {k: v for k, v in info.to_json().items() if not k.startswith("format")} | extra
