"""`editgan apply`: edits from the library on a photo."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import (
    add_correct,
    add_optimisation,
    add_output,
    add_photo,
    not_negative,
)
from backend.commands.inputs import (
    check_not_input,
    declared,
    read_input,
    say_losses,
    weights_of,
)
from backend.commands.sentences import AboutPhoto, early_line, reconstruction_line, region_line
from backend.commands.stacks import add_stack, save_stack, stack_from
from protocol.facts import ApplyReport

if TYPE_CHECKING:
    from backend.editing.options import ScaledEdit
    from protocol.stack_file import StackEdit


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
    add_photo(parser, bundle=False)
    add_correct(parser)
    add_stack(parser)
    parser.add_argument(
        "--save-stack", type=Path, metavar="FILE.editgan-stack",
        help="also keep the edits with their scales in a file, for 'batch --stack'",
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
    from backend.batch.stack import scaled_edits
    from backend.commands.progress import progress_bar
    from backend.photos.files import check_output, notes, write_photo

    began = time.monotonic()
    photo = read_input(args)
    check_output(args.output, photo)
    check_not_input(args.output, args.photo)
    _, stack = stack_from(args, refine=args.refine)
    if args.save_stack:
        save_stack(stack, args.save_stack)

    from backend.commands.session import open_session
    from backend.editing.options import Optimisation

    weights, edits = weights_of(args), scaled_edits(stack)
    say_losses(photo, args.output)
    session = open_session(args, photo)
    photo = session.place.photo
    with progress_bar("Applying", quiet=args.quiet, keep=args.keep) as show:
        result = session.place.editor.apply(
            session.opened, edits, Optimisation(stack.refine, weights, progress=show)
        )
    changed = photo.with_layer(session.to_photo(result.layer))
    write_photo(declared(changed, args), args.output)
    return EditedPhoto(
        output=str(args.output),
        note=notes(photo, args.output),
        edits=[_about(*both) for both in zip(stack.counting, edits, strict=True)],
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


def _about(edit: StackEdit, scaled: ScaledEdit) -> AppliedEdit:
    in_range = edit.low <= scaled.applied <= edit.high
    return AppliedEdit(
        edit.name, edit.title, scaled.scale, scaled.applied, edit.low, edit.high, in_range
    )
