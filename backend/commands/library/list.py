"""`editgan library list`."""

from __future__ import annotations

import argparse
from typing import Any

from backend.commands.library.common import open_library, to_dict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", metavar="TEXT", help="only edits with all these words")
    parser.add_argument("--bundle", metavar="NAME", help="only this model's edits")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """All readable edits, and those that are not with the reason."""
    library = open_library()
    edits = library.search(" ".join(args.text), args.bundle)
    broken = [
        {"bundle": one.bundle, "name": one.name, "folder": str(one.folder), "reason": one.reason}
        for one in library.broken(args.bundle)
    ]
    return {"bundle": args.bundle, "edits": [to_dict(info) for info in edits], "broken": broken}


def describe(report: dict[str, Any]) -> str:
    """A table: name, range, parts, title."""
    rows = [
        (e["bundle"], e["name"], f"{e['low']:g} .. {e['high']:g}", ", ".join(e["parts"]),
         e["title"] + ("" if e["source"] == "preset" else "  (yours)"))
        for e in report["edits"]
    ]  # fmt: skip
    header = ("MODEL", "NAME", "SCALE", "CHANGES", "TITLE")
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(4)]
    lines = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row[:4], widths, strict=True)), row[4]])
        for row in ([header, *rows] if rows else [])
    ]
    whose = f" for the model '{report['bundle']}'" if report["bundle"] else ""
    lines += [] if rows else [f"There are no such edits{whose}."]
    lines += [
        f"Damaged: {one['bundle']}/{one['name']} in {one['folder']}. {one['reason']}"
        for one in report["broken"]
    ]
    return "\n".join(lines)
