"""`editgan repaint`: change a photo until it agrees with its repainted parts."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.commands.arguments import (
    add_correct,
    add_optimisation,
    add_output,
    add_photo,
    positive,
)
from backend.commands.inputs import (
    check_edit_name,
    check_not_input,
    declared,
    read_input,
    say_losses,
    weights_of,
)
from backend.commands.sentences import AboutPhoto, early_line, reconstruction_line, region_line
from protocol.facts import RepaintReport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from backend.commands.session import OpenedSubject
    from backend.photos.photo import Photo


@dataclass(frozen=True, kw_only=True)
class RepaintedPhoto(AboutPhoto):
    """output: the file; note: what the format lost; edit: the name it was saved under; seconds: of
    the whole command."""

    output: str
    note: str | None
    edit: str | None
    parts: list[str]
    result: RepaintReport
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_photo(parser)
    add_correct(parser)
    parser.add_argument(
        "--parts", type=Path, required=True, metavar="EDITED.png",
        help="an edited copy of what 'segment' wrote for this photo",
    )  # fmt: skip
    add_output(parser)
    parser.add_argument(
        "--steps", type=positive, default=100, help="of optimisation (default: 100)"
    )
    add_optimisation(parser)
    parser.add_argument("--save-edit", metavar="NAME", help="keep the edit in the library")
    parser.add_argument("--description", default="", metavar="TEXT", help="of the saved edit")
    parser.add_argument("--overwrite", action="store_true", help="replace an edit of that name")


def run(args: argparse.Namespace) -> RepaintedPhoto:
    """Repaint the photo; raises UserError, when the name is taken."""
    from backend.bundles import find_bundle
    from backend.commands.progress import progress_bar
    from backend.editing.options import Optimisation
    from backend.photos import label_file
    from backend.photos.files import check_output, notes, write_photo

    began = time.monotonic()
    photo = read_input(args)
    check_output(args.output, photo)
    check_not_input(args.output, args.photo, args.parts)
    bundle = find_bundle(args.bundle)
    meaning = label_file.LabelMeaning(bundle.name, bundle.parts, generator=bundle.sha)
    size = (photo.width, photo.height) if photo else (bundle.resolution, bundle.resolution)
    edited = label_file.read_labels(args.parts, meaning, size)
    if args.save_edit:
        check_edit_name(bundle.name, args.save_edit, overwrite=args.overwrite)
    weights = weights_of(args)
    say_losses(photo, args.output)
    session = _open(args, photo, edited)
    photo = session.place.photo
    painted = label_file.painted_layers(session.masks(), _labels(session), edited)
    layers = [session.to_editor(layer) for layer in painted]
    with progress_bar("Repainting", quiet=args.quiet, keep=args.keep) as show:
        result = session.place.editor.repaint(
            session.opened, layers, Optimisation(args.steps, weights, progress=show)
        )
    changed = photo.with_layer(session.to_photo(result.layer))
    write_photo(declared(changed, args), args.output)
    saved = _save(args, session, result, changed) if args.save_edit else None
    return RepaintedPhoto(
        output=str(args.output),
        note=notes(photo, args.output),
        edit=saved,
        parts=list(result.parts),
        result=result.report,
        **vars(session.about()),
        seconds=round(time.monotonic() - began, 2),
    )


def describe(report: RepaintedPhoto) -> str:
    """The report for people."""
    found = report.result
    lines = [f"{report.output}: {', '.join(report.parts)} repainted; {_reached(found)}"]
    if report.edit:
        lines.append(f"The edit is in the library as '{report.edit}'.")
    notes = early_line(found) + ([report.note] if report.note else [])
    return "\n".join([*lines, region_line(found), reconstruction_line(report), *notes])


def _reached(found: RepaintReport) -> str:
    """How much of the painting there is."""
    reached = f"{found.agreement:.0%} of the repainted pixels agree"
    if found.agreement_read_in == "model":
        return f"{reached} in the generator's picture"
    return f"{reached} in the photo, {found.agreement_model:.0%} in the generator's picture"


def _open(
    args: argparse.Namespace, photo: Photo | None, edited: NDArray[np.uint8]
) -> OpenedSubject:
    """The photo as it was open when the labels that the user edited were made."""
    from backend.commands.session import middle_of, open_for_labels, read_corrections
    from backend.photos.label_file import read_note

    def difference(session: OpenedSubject) -> int:
        return int((_labels(session) != edited).sum())

    said, level = read_corrections(args, photo), _level(read_note(args.parts).level)
    return open_for_labels(args, photo, middle_of(edited), level, difference, said)


def _labels(session: OpenedSubject) -> NDArray[np.uint8]:
    from backend.photos.label_file import label_map

    photo = session.place.photo
    return label_map(session.masks(), photo.width, photo.height)


def _level(said: str | None) -> str | None:
    from backend.commands.arguments import LEVELS

    return said if said in LEVELS else None


def _save(args: argparse.Namespace, session: OpenedSubject, result: Any, changed: Photo) -> str:
    from backend.session.edits import save_edit
    from edit_library import Library
    from protocol.paths import library_dir

    info = save_edit(
        Library(library_dir()),
        session.bundle,
        args.save_edit,
        result.vector,
        parts=result.parts,
        description=args.description,
        before=session.thumbnail(session.place.photo),
        after=session.thumbnail(changed),
        overwrite=args.overwrite,
    )
    return info.name
