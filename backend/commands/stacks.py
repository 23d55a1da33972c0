"""Edits as the command line names them: by --edit, and as files by --stack."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import DEFAULT_BUNDLE
from backend.errors import BadSetting

if TYPE_CHECKING:
    from backend.bundles import Bundle
    from edit_library import Edit, Library
    from protocol.stack_file import EditStack

_MOST = 100  # the largest scale that a stack's file may hold


def add_stack(parser: argparse.ArgumentParser) -> None:
    """--edit, --stack and --bundle."""
    parser.add_argument(
        "--edit", action="append", default=[], metavar="NAME[:SCALE]",
        help="an edit and its strength: 1 as learned, negative for the opposite "
        "(default: the edit's own); give it several times to combine edits",
    )  # fmt: skip
    parser.add_argument(
        "--stack", type=Path, metavar="FILE.editgan-stack",
        help="edits with their scales, as 'apply --save-stack' writes them",
    )  # fmt: skip
    parser.add_argument(
        "--bundle", metavar="NAME", help=f"model (default: the stack's, else {DEFAULT_BUNDLE})"
    )


def stack_from(args: argparse.Namespace, *, refine: int = 0) -> tuple[Bundle, EditStack]:
    """The model and the edits that the command line names, and the model's name in `args`.

    Raises EditLibraryError, BadStack, BadSetting.
    """
    from backend.batch.stack import check_stack, joined, stack_of
    from backend.bundles import find_bundle
    from edit_library import Library
    from protocol.paths import library_dir
    from protocol.stack_file import read_stack

    kept = read_stack(args.stack) if args.stack else None
    args.bundle = args.bundle or (kept.bundle if kept else DEFAULT_BUNDLE)
    bundle, library = find_bundle(args.bundle), Library(library_dir())
    if not args.edit and kept is None:
        raise BadSetting("Name what to apply: --edit NAME, or --stack FILE.editgan-stack.")
    named = stack_of(bundle, [edit_and_scale(library, bundle, t) for t in args.edit], refine=refine)
    stack = named if kept is None else joined(kept, named)
    check_stack(stack, bundle)
    return bundle, stack


def save_stack(stack: EditStack, path: Path) -> None:
    """Write a stack to a file; raises BadStack where its name has another ending, BadImage."""
    from backend.photos.output import replace_file
    from protocol.stack_file import SUFFIX, BadStack, stack_to_json

    if path.suffix != SUFFIX:
        raise BadStack(f"A stack's file has a name that ends in {SUFFIX}; rename {path.name}.")
    if wild := [edit for edit in stack.edits if abs(edit.scale) > _MOST]:
        raise BadStack(
            f"A file keeps scales within {_MOST}: {wild[0].scale:g} is too much of "
            f"'{wild[0].title}'."
        )
    replace_file(path, stack_to_json(stack))


def edit_and_scale(library: Library, bundle: Bundle, text: str) -> tuple[Edit, float]:
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
