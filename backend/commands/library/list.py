"""`editgan library list`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from backend.commands.library.common import EditReport, open_library, report_of


@dataclass(frozen=True)
class BrokenReport:
    """An edit that cannot be read."""

    bundle: str
    name: str
    folder: str
    reason: str


@dataclass(frozen=True)
class LibraryReport:
    """The edits of a model, or of all."""

    bundle: str | None
    edits: list[EditReport]
    broken: list[BrokenReport]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", metavar="TEXT", help="only edits with all these words")
    parser.add_argument("--bundle", metavar="NAME", help="only this model's edits")


def run(args: argparse.Namespace) -> LibraryReport:
    """All readable edits, and those that are not with the reason."""
    library = open_library()
    edits = library.search(" ".join(args.text), args.bundle)
    broken = [
        BrokenReport(one.bundle, one.name, str(one.folder), one.reason)
        for one in library.broken(args.bundle)
    ]
    return LibraryReport(args.bundle, [report_of(info) for info in edits], broken)


def describe(report: LibraryReport) -> str:
    """A table: name, range, parts, title."""
    rows = [
        (e.bundle, e.name, f"{e.low:g} .. {e.high:g}", ", ".join(e.parts),
         e.title + ("" if e.source == "preset" else "  (yours)"))
        for e in report.edits
    ]  # fmt: skip
    header = ("MODEL", "NAME", "SCALE", "CHANGES", "TITLE")
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(4)]
    lines = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row[:4], widths, strict=True)), row[4]])
        for row in ([header, *rows] if rows else [])
    ]
    whose = f" for the model '{report.bundle}'" if report.bundle else ""
    lines += [] if rows else [f"There are no such edits{whose}."]
    lines += [
        f"Damaged: {one.bundle}/{one.name} in {one.folder}. {one.reason}" for one in report.broken
    ]
    return "\n".join(lines)
