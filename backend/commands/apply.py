"""`editgan apply`: edits from the library on a photo."""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.commands.arguments import (
    add_correct,
    add_optimisation,
    add_output,
    add_photo,
    not_negative,
)
from backend.commands.inputs import check_not_input, declared, read_input, weights_of
from backend.commands.sentences import AboutPhoto, early_line, reconstruction_line, region_line
from protocol.facts import ApplyReport

if TYPE_CHECKING:
    from backend.bundles import Bundle
    from backend.editing.options import ScaledEdit
    from edit_library import Edit, Library


@dataclass(frozen=True)
class AppliedEdit:
    """An edit: the scale that was asked for, the one applied, and whether it is in the range
    low..high that the edit is good for."""

    name: str
    title: str
    scale: float
    applied: float
    low: float
    high: float
    in_range: bool


@dataclass(frozen=True, kw_only=True)
class EditedPhoto(AboutPhoto):
    """output: the file; note: what the format lost; seconds: of the whole command."""

    output: str
    note: str | None
    edits: list[AppliedEdit]
    parts: list[str]
    result: ApplyReport
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_photo(parser)
    add_correct(parser)
    parser.add_argument(
        "--edit", action="append", required=True, metavar="NAME[:SCALE]",
        help="an edit and its strength: 1 as learned, negative for the opposite "
        "(default: the edit's own); give it several times to combine edits",
    )  # fmt: skip
    add_output(parser)
    parser.add_argument(
        "--refine",
        type=not_negative,
        default=0,
        metavar="N",
        help="steps of refinement, 10 to 60, against artefacts (default: 0)",
    )
    add_optimisation(parser)


def run(args: argparse.Namespace) -> EditedPhoto:
    """Apply the edits; raises UserError."""
    from backend.bundles import find_bundle
    from backend.commands.progress import progress_bar
    from backend.photos.files import check_output, notes, write_photo
    from edit_library import Library
    from protocol.paths import library_dir

    began = time.monotonic()
    photo = read_input(args)
    check_output(args.output, photo)
    check_not_input(args.output, args.photo)
    bundle = find_bundle(args.bundle)
    library = Library(library_dir())
    edits = [_edit_and_scale(library, bundle, text) for text in args.edit]

    from backend.commands.session import open_session
    from backend.editing.options import Optimisation, ScaledEdit

    weights = weights_of(args)
    session = open_session(args, photo)
    photo = session.place.photo
    scaled = [ScaledEdit(edit.vector, edit.info.parts, scale) for edit, scale in edits]
    with progress_bar("Applying", quiet=args.quiet, keep=args.keep) as show:
        result = session.place.editor.apply(
            session.opened, scaled, Optimisation(args.refine, weights, progress=show)
        )
    changed = photo.with_layer(session.to_photo(result.layer))
    write_photo(declared(changed, args), args.output)
    return EditedPhoto(
        output=str(args.output),
        note=notes(photo, args.output),
        edits=[_about(edit, one) for (edit, _), one in zip(edits, scaled, strict=True)],
        parts=list(result.parts),
        result=result.report,
        **vars(session.about()),
        seconds=round(time.monotonic() - began, 2),
    )


def describe(report: EditedPhoto) -> str:
    """The report for people."""
    names = ", ".join(f"{edit.title} x {edit.applied:g}" for edit in report.edits)
    lines = [f"{report.output}: {names}"]
    for edit in report.edits:
        if edit.applied != edit.scale:
            lines.append(f"{edit.scale:g} is too much; {edit.applied:g} was applied instead.")
        if not edit.in_range:
            lines.append(f"'{edit.title}' looks best between {edit.low:g} and {edit.high:g}.")
    notes = early_line(report.result) + ([report.note] if report.note else [])
    return "\n".join([*lines, region_line(report.result), reconstruction_line(report), *notes])


def _edit_and_scale(library: Library, bundle: Bundle, text: str) -> tuple[Edit, float]:
    """An edit and its scale from "NAME" or "NAME:SCALE"; raises EditLibraryError."""
    from backend.session.edits import find_edit
    from edit_library import BadEdit

    name, colon, number = text.rpartition(":")
    if not colon:
        edit = find_edit(library, bundle, text)
        return edit, edit.info.default
    try:
        scale = float(number)
    except ValueError:
        scale = math.nan
    if not math.isfinite(scale):
        raise BadEdit(
            f"'{number}' in '{text}' is not a scale; write a number, such as '{name}:1.5'."
        )
    return find_edit(library, bundle, name), scale


def _about(edit: Edit, scaled: ScaledEdit) -> AppliedEdit:
    info = edit.info
    in_range = info.low <= scaled.applied <= info.high
    return AppliedEdit(
        info.name, info.title, scaled.scale, scaled.applied, info.low, info.high, in_range
    )
