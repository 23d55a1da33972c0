"""`editgan library show`."""

from __future__ import annotations

import argparse
from typing import Any

from backend.commands.library.common import add_edit, open_library, to_dict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_edit(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """One edit, with the length of its vector; raises EditLibraryError."""
    import numpy as np

    edit = open_library().get(args.bundle, args.name)
    norm = float(np.linalg.norm(edit.vector))
    thumbnails = {"before": edit.info.before is not None, "after": edit.info.after is not None}
    return {**to_dict(edit.info), "vector_norm": norm, "thumbnails": thumbnails}


def describe(report: dict[str, Any]) -> str:
    """The report for people."""
    rows = {
        "name": report["name"],
        "title": report["title"],
        "description": report["description"] or "-",
        "model": f"{report['bundle']} (generator {report['generator_sha256'][:12]})",
        "changes": ", ".join(report["parts"]),
        "scale": f"{report['low']:g} .. {report['high']:g}, usually {report['default']:g}",
        "learnt from": f"{report['learnt_from']} photo(s), {report['created'] or 'unknown date'}",
        "licence": report["licence"] or "-",
        "attribution": report["attribution"] or "-",
        "kind": "preset" if report["source"] == "preset" else "yours",
        "folder": report["folder"],
    }
    return "\n".join(f"{key + ':':13} {value}" for key, value in rows.items())
