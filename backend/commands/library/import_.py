"""`editgan library import`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from backend.commands.library.common import EditReport, open_library, report_of


@dataclass(frozen=True, kw_only=True)
class ImportedEditReport(EditReport):
    """note: what is missing here for the edit to be applied."""

    note: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.editgan", help="what 'export' wrote")
    parser.add_argument("--name", metavar="NAME", help="another name than the one in the file")
    parser.add_argument("--overwrite", action="store_true", help="replace an edit of that name")


def run(args: argparse.Namespace) -> ImportedEditReport:
    """Add the edit; raises EditLibraryError."""
    info = open_library().import_file(args.file, name=args.name, overwrite=args.overwrite)
    note = _generator_note(info.bundle, info.generator_sha256)
    return ImportedEditReport(**vars(report_of(info)), note=note)


def describe(report: ImportedEditReport) -> str:
    text = f"'{report.title}' was added for the model '{report.bundle}' ({report.name})."
    return f"{text}\n{report.note}" if report.note else text


def _generator_note(bundle: str, sha256: str) -> str | None:
    """Worth saying at once: an edit of a model that is not here cannot be applied."""
    from backend.bundles import find_bundle
    from protocol.errors import UserError

    try:
        fits = find_bundle(bundle).sha == sha256
    except UserError:
        fits = False
    if fits:
        return None
    return f"It needs the model '{bundle}' that it was learned with, which is not installed."
