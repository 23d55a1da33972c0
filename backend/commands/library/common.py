"""What the library's commands share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from backend.commands.arguments import add_bundle
from edit_library import EditInfo, Library
from protocol.paths import library_dir


def open_library() -> Library:
    return Library(library_dir())


def add_edit(parser: argparse.ArgumentParser) -> None:
    """NAME and --bundle: which edit."""
    parser.add_argument("name", metavar="NAME", help="the edit's name or title")
    add_bundle(parser)


@dataclass(frozen=True, kw_only=True)
class EditReport:
    """An edit of the library, as `--json` shows it."""

    name: str
    title: str
    description: str
    bundle: str
    generator_sha256: str
    n_ws: int
    w_dim: int
    parts: list[str]
    low: float
    high: float
    default: float
    created: str
    learnt_from: int
    licence: str
    attribution: str
    source: str
    folder: str


def report_of(info: EditInfo) -> EditReport:
    """What is reported of an edit."""
    told = {k: v for k, v in info.to_json().items() if not k.startswith("format")}
    return EditReport(**told, source=info.source, folder=str(info.folder))
