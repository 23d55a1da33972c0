"""`editgan train presets`: learn the edits that ship with a bundle from its recipes."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from backend.bundles import Bundle, find_bundle
from backend.bundles.registry import BUILTIN
from backend.commands.arguments import add_device, not_negative, positive, seed_number
from backend.commands.session import open_folder
from backend.editing.editor import Editor
from backend.editing.learn import RecipeTarget
from backend.editing.options import Optimisation
from backend.editing.recipes import Recipe, find_recipe, recipes_for
from backend.errors import NothingChanged
from backend.evaluation.held_out import held_out_names
from backend.photos.folder import find_images, photo_name
from backend.session.devices import choose_device
from backend.session.learned_edits import THUMBNAIL_SEED, save_learned
from edit_library.library import PRESETS_DIR, Library
from protocol.facts import LearnReport
from protocol.paths import library_dir


@dataclass(frozen=True)
class PresetsTrainingReport:
    """What the command reports. left_out: edits that do not work on other photos; nothing_changed:
    recipes that change nothing in any of the photos, such as those of parts that none shows."""

    bundle: str
    presets: dict[str, LearnReport]
    left_out: dict[str, LearnReport]
    nothing_changed: list[str]
    removed: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", default="faces")
    parser.add_argument("--images", type=Path, nargs="+", required=True, help="folders of photos")
    parser.add_argument(
        "--output", "-o", type=Path,
        help="presets folder (default: the program's own for a built-in model, your library for "
        "yours)",
    )  # fmt: skip
    parser.add_argument("--photos", type=positive, default=8, help="how many to learn from")
    parser.add_argument("--others", type=not_negative, default=8, help="how many to try them on")
    parser.add_argument("--steps", type=positive, default=100)
    parser.add_argument("--only", nargs="*", help="names of recipes; all when absent")
    parser.add_argument(
        "--least", type=float, default=0.15, metavar="SHARE",
        help="leave out edits that get less than this right on the other photos (default: 0.15)",
    )  # fmt: skip
    parser.add_argument("--thumbnail-seed", type=seed_number, default=THUMBNAIL_SEED)
    add_device(parser)


def run(args: argparse.Namespace) -> PresetsTrainingReport:
    """`editgan train presets`."""
    torch.manual_seed(0)
    bundle = find_bundle(args.bundle)
    editor = Editor(bundle, choose_device(args.device))
    images = learnable(find_images(args.images), bundle.name)
    order = np.random.default_rng(0).permutation(len(images))
    wanted = args.photos + args.others
    paths = [images[i] for i in order]
    photos, _ = open_folder(editor, paths, wanted, "balanced", quiet=args.quiet)
    learn_from, others = photos[: args.photos], photos[args.photos :]
    presets = args.output or (PRESETS_DIR if bundle.folder.parent == BUILTIN else None)
    library = Library.for_presets(presets) if presets else Library(library_dir())
    kept: dict[str, LearnReport] = {}
    left_out: dict[str, LearnReport] = {}
    nothing_changed: list[str] = []
    options = Optimisation(args.steps)
    for recipe in _chosen(bundle, args.only):
        try:
            learned = editor.learn(RecipeTarget(recipe), learn_from, others, options)
        except NothingChanged:
            nothing_changed.append(recipe.name)
            continue
        works = learned.transfer is None or learned.transfer >= args.least
        (kept if works else left_out)[recipe.name] = learned.report()
        if not args.quiet:
            tqdm.write(f"{recipe.name}: {learned.report()}", file=sys.stderr)
        if works:
            save_learned(library, editor, recipe.name, recipe, learned, seed=args.thumbnail_seed)
    removed: list[str] = []
    if presets:
        failed = {*left_out, *nothing_changed}
        removed = _remove_others(presets / bundle.name, set(kept), failed, args.only)
    return PresetsTrainingReport(bundle.name, kept, left_out, nothing_changed, removed)


def _remove_others(folder: Path, kept: set[str], left_out: set[str], only: Any) -> list[str]:
    """Remove presets that did not work, or (when all were learned) of other recipes."""
    stale = [
        path for path in sorted(folder.glob("*/"))
        if path.name in left_out or (not only and path.name not in kept)
    ]  # fmt: skip
    for path in stale:
        shutil.rmtree(path)
    return [path.name for path in stale]


def learnable(images: list[Path], bundle: str) -> list[Path]:
    """The photos that edits may be learned from: not those that they are judged by afterwards."""
    held_out = frozenset(held_out_names(bundle) or ())
    return [path for path in images if photo_name(path) not in held_out]


def _chosen(bundle: Bundle, names: list[str] | None) -> list[Recipe]:
    """The recipes that were asked for, else all that fit; raises UnknownRecipe, UnknownPart."""
    return [find_recipe(bundle, name) for name in names] if names else list(recipes_for(bundle))
