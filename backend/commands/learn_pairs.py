"""`editgan learn --before-after`: what was done in retouched copies becomes an edit."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from backend.commands.arguments import level_of
from backend.commands.inputs import check_edit_name, weights_of
from backend.errors import BadSetting

if TYPE_CHECKING:
    from pathlib import Path

    from backend.bundles import Bundle
    from backend.commands.learn import LearnedEditReport


@dataclass(frozen=True)
class Retouching:
    """An edit that was learned from pairs, as the library describes it."""

    name: str
    title: str
    description: str
    usual: float = 1.0


def _checked(args: argparse.Namespace) -> tuple[Bundle, list[tuple[Path, Path]]]:
    """The model and the pairs; raises UserError for what can be known before the work."""
    from backend.bundles import find_bundle
    from backend.commands.pairs import find_pairs

    if not args.name or args.seed:
        raise BadSetting("Learning from retouched copies takes --photos and --name, and no --seed.")
    bundle = find_bundle(args.bundle)
    check_edit_name(bundle.name, args.name, overwrite=args.overwrite)
    for part in args.part:
        bundle.part(part)
    return bundle, find_pairs(args.photos)


def run_pairs(args: argparse.Namespace) -> LearnedEditReport:
    """Learn it and keep it; raises UserError, before the work where that can be known."""
    from backend.commands.pairs import open_pairs
    from backend.commands.progress import progress_bar
    from edit_library import Library
    from protocol.paths import library_dir

    began = time.monotonic()
    bundle, found = _checked(args)

    from backend.commands.learn import report_of
    from backend.commands.session import load_editor
    from backend.editing.options import Optimisation
    from backend.editing.pairs import PairsTarget
    from backend.session.learned_edits import save_learned

    weights, editor = weights_of(args), load_editor(args)
    wanted = args.count + args.others
    pairs, passed = open_pairs(editor, found, wanted, level_of(args), args.part, quiet=args.quiet)
    target, opened = PairsTarget(pairs), [pair.original for pair in pairs]
    photos, others = opened[: args.count], opened[args.count :]
    with progress_bar("Learning", quiet=args.quiet, keep=args.keep) as show:
        options = Optimisation(args.steps, weights, progress=show)
        learned = editor.learn(target, photos, others, options)
    about = Retouching(args.name, args.name, f"Learned from {len(photos)} retouched photos.")
    info = save_learned(
        Library(library_dir()), editor, args.name, about, learned, overwrite=args.overwrite
    )
    return replace(
        report_of(info, bundle, learned, photos, others, began),
        explained=target.explained(editor.engine, learned, others or photos),
        passed_over=passed,
    )
