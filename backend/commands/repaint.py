"""`editgan repaint`: change a photo until it agrees with its repainted parts."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.commands.common import add_photo, check_not_input, lossy_note, positive
from backend.commands.segment import reconstruction_line, region_line

if TYPE_CHECKING:
    from backend.commands.session import Session
    from backend.photos.photo import Photo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_photo(parser)
    parser.add_argument(
        "--parts", type=Path, required=True, metavar="EDITED.png",
        help="an edited copy of what 'segment' wrote for this photo",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT.png",
        help="the edited photo: .png, .tif, .webp or .jpg",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=positive, default=100, help="of optimisation (default: 100)"
    )
    parser.add_argument("--save-edit", metavar="NAME", help="keep the edit in the library")
    parser.add_argument("--description", default="", metavar="TEXT", help="of the saved edit")
    parser.add_argument("--overwrite", action="store_true", help="replace an edit of that name")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Repaint the photo; raises EditGanError, or EditLibraryError when the name is taken."""
    from backend.bundles import find_bundle
    from backend.commands.common import progress_bar
    from backend.commands.session import open_session
    from backend.photos import label_file
    from backend.photos.files import check_output, read_photo, write_photo

    began = time.monotonic()
    photo = read_photo(args.photo)
    check_output(args.output, photo)
    check_not_input(args.output, args.photo, args.parts)
    about = label_file.read_about(args.parts)
    meaning = label_file.LabelMeaning(args.bundle, find_bundle(args.bundle).parts)
    edited = label_file.read_labels(args.parts, meaning, (photo.width, photo.height))
    if args.save_edit:
        _check_name(args)
    session = open_session(args, photo, subject=_subject(about), level=_level(about))
    masks = [session.to_photo(mask) for mask in session.opened.parts]
    before = label_file.label_map(masks, photo.width, photo.height)
    painted = label_file.painted_layers(masks, before, edited)
    with progress_bar("Repainting", quiet=args.quiet) as show:
        layers = [session.to_editor(layer) for layer in painted]
        result = session.editor.repaint(session.opened, layers, steps=args.steps, progress=show)
    changed = photo.with_layer(session.to_photo(result.layer))
    write_photo(changed, args.output)
    saved = _save(args, session, result, changed) if args.save_edit else None
    return {
        "output": str(args.output),
        "note": lossy_note(args.output),
        "edit": saved,
        "parts": list(result.parts),
        "result": dict(result.report),
        **session.report(),
        "seconds": round(time.monotonic() - began, 2),
    }


def describe(report: dict[str, Any]) -> str:
    """The report for people."""
    agreement = f"{report['result']['agreement']:.0%} of the repainted pixels agree"
    lines = [f"{report['output']}: {', '.join(report['parts'])} repainted; {agreement}"]
    if report["edit"]:
        lines.append(f"The edit is in the library as '{report['edit']}'.")
    notes = [report["note"]] if report["note"] else []
    return "\n".join([*lines, region_line(report), reconstruction_line(report), *notes])


def _subject(about: dict[str, Any]) -> int | None:
    value = about.get("subject")
    return value if isinstance(value, int) and value > 0 else None


def _level(about: dict[str, Any]) -> str | None:
    from backend.commands.common import LEVELS

    return about.get("level") if about.get("level") in LEVELS else None


def _check_name(args: argparse.Namespace) -> None:
    """Before minutes of work: is the edit's name free?"""
    from edit_library import EditExists, EditNotFound, Library, slugify
    from protocol.paths import library_dir

    try:
        found = Library(library_dir()).get(args.bundle, slugify(args.save_edit)).info
    except EditNotFound:
        return
    if found.source == "preset" or not args.overwrite:
        raise EditExists(
            f"There is an edit named '{found.name}' already; choose another name"
            f"{'' if found.source == 'preset' else ', or add --overwrite'}."
        )


def _save(args: argparse.Namespace, session: Session, result: Any, changed: Photo) -> str:
    from edit_library import Library
    from protocol.paths import library_dir

    bundle = session.bundle
    info = Library(library_dir()).save(
        bundle.name,
        args.save_edit,
        result.vector,
        generator_sha=bundle.sha,
        parts=result.parts,
        description=args.description,
        before=session.thumbnail(session.photo),
        after=session.thumbnail(changed),
        licence=bundle.license,
        overwrite=args.overwrite,
    )
    return info.name
