"""`editgan library show`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from backend.commands.library.common import EditReport, add_edit, open_library, report_of


@dataclass(frozen=True, kw_only=True)
class WholeEditReport(EditReport):
    """vector_norm: the length of the editing vector; thumbnails: which there are."""

    vector_norm: float
    thumbnails: dict[str, bool]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_edit(parser)


def run(args: argparse.Namespace) -> WholeEditReport:
    """One edit, with the length of its vector; raises EditLibraryError."""
    import numpy as np

    edit = open_library().get(args.bundle, args.name)
    norm = float(np.linalg.norm(edit.vector))
    thumbnails = {"before": edit.info.before is not None, "after": edit.info.after is not None}
    return WholeEditReport(**vars(report_of(edit.info)), vector_norm=norm, thumbnails=thumbnails)


def describe(report: WholeEditReport) -> str:
    """The report for people."""
    rows = {
        "name": report.name,
        "title": report.title,
        "description": report.description or "-",
        "model": f"{report.bundle} (generator {report.generator_sha256[:12]})",
        "changes": ", ".join(report.parts),
        "scale": f"{report.low:g} .. {report.high:g}, usually {report.default:g}",
        "learned from": f"{report.learnt_from} photo(s), {report.created or 'unknown date'}",
        "licence": report.licence or "-",
        "attribution": report.attribution or "-",
        "kind": "preset" if report.source == "preset" else "yours",
        "folder": report.folder,
    }
    return "\n".join(f"{key + ':':13} {value}" for key, value in rows.items())
