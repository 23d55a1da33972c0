"""`editgan learn`: an edit of one's own, learned from a folder of photos and a recipe, or from
originals and their retouched copies."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import (
    add_bundle,
    add_device,
    add_level,
    add_optimisation,
    level_of,
    not_negative,
    positive,
    seed_number,
)
from backend.commands.inputs import check_edit_name, weights_of
from backend.errors import BadImage, BadSetting

if TYPE_CHECKING:
    from backend.bundles import Bundle
    from backend.editing.learn import LearnedEdit
    from backend.editing.results import OpenPhoto
    from edit_library import EditInfo

_TOLD = 10  # photos that cannot be used


@dataclass(frozen=True, kw_only=True)
class LearnedEditReport:
    """edit: its name in the library; photos, others: how many it was learned from and tried on;
    represented: how many of them by quality; parts: Q_edit. passed_over: photos or pairs that
    cannot be used, and why. Of pairs, explained: how much of their difference the edit makes where
    it was tried. For the rest see protocol.facts.LearnReport."""

    edit: str
    title: str
    bundle: str
    licence: str
    photos: int
    others: int
    represented: dict[str, int]
    learnt_from: int
    agreement: float
    transfer: float | None
    range: tuple[float, float]
    seconds: float
    parts: list[str]
    explained: float | None = None
    passed_over: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--photos", type=Path, nargs="+", default=[], metavar="DIR",
        help="folders of photos, or photos; the largest subject of each is used",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=seed_number, action="append", default=[], metavar="N",
        help="learn from this picture of the model's own, too; give it several times for several",
    )  # fmt: skip
    _add_what(parser)
    add_bundle(parser)
    parser.add_argument("--name", metavar="NAME", help="of the edit (default: the recipe's)")
    parser.add_argument(
        "--count", type=positive, default=8, help="how many photos to learn from (default: 8)"
    )
    parser.add_argument(
        "--others", type=not_negative, default=8, metavar="N",
        help="how many more to try the edit on (default: 8)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=positive, default=100, help="of optimisation on each (default: 100)"
    )
    add_level(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace an edit of that name")
    add_optimisation(parser)
    add_device(parser)


def _add_what(parser: argparse.ArgumentParser) -> None:
    """A recipe, or pairs of photos."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--recipe", metavar="NAME",
        help="what to learn, such as smile; an unknown name lists all recipes",
    )  # fmt: skip
    what.add_argument(
        "--before-after", action="store_true",
        help="learn what was done in retouched copies: photos named like their originals, with "
        "-retouched, -edited or -after; or two folders, the originals' first",
    )  # fmt: skip
    parser.add_argument(
        "--part", action="append", default=[], metavar="NAME",
        help="with --before-after: learn only what was done to this part; give it several times "
        "for several (default: wherever the photos differ)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> LearnedEditReport:
    """Learn it and keep it; raises UserError, when the name is taken."""
    if args.before_after:
        from backend.commands.learn_pairs import run_pairs

        return run_pairs(args)
    return _run_recipe(args)


def _run_recipe(args: argparse.Namespace) -> LearnedEditReport:
    if args.part:
        raise BadSetting("--part belongs to --before-after; a recipe knows its parts.")
    from backend.bundles import find_bundle
    from backend.commands.progress import progress_bar
    from backend.editing.recipes import find_recipe
    from backend.photos.folder import find_images
    from edit_library import Library
    from protocol.paths import library_dir

    began = time.monotonic()
    bundle = find_bundle(args.bundle)
    recipe = find_recipe(bundle, args.recipe)
    name = args.name or recipe.title
    check_edit_name(bundle.name, name, overwrite=args.overwrite)
    images = find_images(args.photos)
    if not images and not args.seed:
        raise BadImage("Name photos to learn from, or pictures of the model's own by --seed.")

    from backend.commands.session import load_editor, open_folder
    from backend.editing.learn import RecipeTarget
    from backend.editing.options import Optimisation
    from backend.session.learned_edits import save_learned

    weights = weights_of(args)
    editor = load_editor(args)
    opened = [editor.open_sample(seed) for seed in args.seed]
    wanted = max(0, args.count - len(opened)) + args.others
    found, passed = open_folder(editor, images, wanted, level_of(args), quiet=args.quiet)
    opened += found
    photos, others = opened[: args.count], opened[args.count :]
    with progress_bar("Learning", quiet=args.quiet, keep=args.keep) as show:
        options = Optimisation(args.steps, weights, progress=show)
        learned = editor.learn(RecipeTarget(recipe), photos, others, options)
    info = save_learned(
        Library(library_dir()), editor, name, recipe, learned, overwrite=args.overwrite
    )
    report = report_of(info, bundle, learned, photos, others, began)
    return replace(report, passed_over=passed)


def report_of(
    info: EditInfo,
    bundle: Bundle,
    learned: LearnedEdit,
    photos: Sequence[OpenPhoto],
    others: Sequence[OpenPhoto],
    began: float,
) -> LearnedEditReport:
    """What is told of an edit that was learned from `photos`, tried on `others`, and saved; began:
    by the monotonic clock."""
    return LearnedEditReport(
        edit=info.name,
        title=info.title,
        bundle=bundle.name,
        licence=bundle.license,
        photos=len(photos),
        others=len(others),
        represented=dict(Counter(one.report.quality for one in (*photos, *others))),
        **vars(learned.report()),
        seconds=round(time.monotonic() - began, 2),
        parts=list(info.parts),
    )


def describe(report: LearnedEditReport) -> str:
    """The report for people."""
    low, high = report.range
    counts = [f"{number} {quality}" for quality, number in report.represented.items()]
    used = sum(report.represented.values())
    lines = [
        f"Of {used} pictures, the model represents {', '.join(counts)}.",
        f"'{report.title}' is in the library as '{report.edit}', "
        f"learned from {report.learnt_from} of {report.photos} pictures.",
        f"On these, {report.agreement:.0%} of the pixels that were to change did.",
    ]
    if report.transfer is not None:
        which = f"{report.others} others" if report.others else "each, learned from the rest"
        lines.append(f"On {which}, the edit alone gets {report.transfer:.0%} right.")
    if report.explained is not None:
        lines.append(f"There it makes {report.explained:.0%} of the two photos' difference.")
    passed = report.passed_over
    lines += [f"Passed over: {sentence}" for sentence in passed[:_TOLD]]
    lines += [f"And {len(passed) - _TOLD} more."] if len(passed) > _TOLD else []
    return "\n".join([*lines, f"It looks best between {low:g} and {high:g}."])
