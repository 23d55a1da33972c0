"""`editgan evaluate`: measure a model and its presets, and write down what was found."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import add_bundle, add_device, positive
from backend.commands.inputs import check_packages
from backend.commands.progress import progress_bar
from backend.errors import BadImage
from backend.session.devices import choose_device

if TYPE_CHECKING:
    from backend.bundles import Bundle
    from backend.evaluation.evaluation import Evaluation
    from backend.evaluation.report import Results
    from edit_library import Edit

SECTIONS = ("encoder", "smile", "presets")
_MODULES = ("sklearn", "matplotlib", "torch_fidelity")


@dataclass(frozen=True)
class EvaluationReport:
    """output: the folder; tables: its README.md; sections: what was measured, by section; skipped:
    photos that could not be used."""

    output: str
    tables: str
    sections: Results
    skipped: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    parser.add_argument(
        "--photos", type=Path, required=True, metavar="DIR",
        help="the folder below which the photos are, each in a folder as in the held-out list",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR",
        help="results go into DIR/BUNDLE: README.md, results.json, plots, contact sheets",
    )  # fmt: skip
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION",
        help=f"{', '.join(SECTIONS)}; the others stay as they were (default: all)",
    )  # fmt: skip
    parser.add_argument("--count", type=positive, default=12, help="photos each (default: 12)")
    parser.add_argument(
        "--edits", nargs="+", metavar="NAME", help="edits to measure (default: all presets)"
    )
    parser.add_argument(
        "--held-out", type=Path, metavar="FILE",
        help="names (folder/file) of photos that nothing was trained on (default: the bundle's "
        "list; for a bundle without one, all photos)",
    )  # fmt: skip
    _add_observers(parser)
    parser.add_argument("--anew", action="store_true", help="use nothing kept from earlier runs")
    add_device(parser)


def _add_observers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what measures")
    group.add_argument(
        "--ratings", type=Path, metavar="CSV", help="people's ratings: columns stimulus and happy"
    )
    group.add_argument(
        "--landmarker", type=Path, metavar="TASK", help="MediaPipe's face_landmarker.task"
    )
    group.add_argument(
        "--face-api",
        type=Path,
        metavar="DIR",
        help="the folder 'model' of npm's @vladmandic/face-api: a second judge of smiles, and age",
    )
    group.add_argument(
        "--distilled",
        type=Path,
        metavar="FILE",
        help="a network of 'editgan train distilled': a row of the smile benchmark",
    )
    group.add_argument(
        "--maskgan",
        type=Path,
        metavar="FILE",
        help="a network of 'editgan train maskgan': a row of the smile benchmark",
    )
    group.add_argument(
        "--inception", type=Path, metavar="FILE",
        help="Inception V3 weights (torch-fidelity's) for FID and KID; without them the small "
        "perceptual network's features are compared, and named so",
    )  # fmt: skip
    group.add_argument(
        "--photo-sheets", type=Path, metavar="DIR",
        help="also write contact sheets of the photos, to look at; mind the photos' licences",
    )  # fmt: skip


def run(args: argparse.Namespace) -> EvaluationReport:
    """Measure section by section, writing after each; raises UserError."""
    _check(args)
    from backend.bundles import find_bundle
    from backend.evaluation import report

    bundle = find_bundle(args.bundle)
    folder = args.output / bundle.name
    about = _about(bundle)
    sections = report.load(folder / "results.json", bundle.photo_files)
    evaluation = _evaluation(args, bundle)
    for name in args.only:
        sections[name] = evaluation.section(name)
        report.save(folder / "results.json", about, sections)
    _plot(sections, folder)
    text = report.markdown(about, sections, evaluation.sheets(folder))
    (folder / "README.md").write_text(text, encoding="utf-8")
    skipped = sorted(evaluation.photo_set.skipped)
    return EvaluationReport(str(folder), text, sections, skipped)


def describe(report: EvaluationReport) -> str:
    lines = [report.tables, report.output]
    if names := report.skipped:
        why = "cannot be read, show no subject, or show it mostly outside the picture"
        lines.append(f"{len(names)} photos were skipped, because they {why}: {', '.join(names)}")
    return "\n".join(lines)


def _check(args: argparse.Namespace) -> None:
    """Before minutes of work: is everything there that was named?"""
    check_packages("Evaluation", [*_MODULES, *(["ai_edge_litert"] if args.landmarker else [])])
    if not args.photos.is_dir():
        raise BadImage(f"There is no folder {args.photos}.")
    files = (args.ratings, args.landmarker, args.distilled, args.maskgan, args.inception)
    for path in (*files, args.held_out):
        if path is not None and not path.is_file():
            raise BadImage(f"There is no file {path}.")


def _evaluation(args: argparse.Namespace, bundle: Bundle) -> Evaluation:
    with progress_bar("Loading the model", quiet=args.quiet):
        from backend.editing.editor import Editor
        from backend.evaluation.evaluation import Evaluation, OptionalInputs
        from backend.evaluation.held_out import held_out_names
        from backend.evaluation.photo_set import PhotoSet
        from backend.evaluation.store import Store
        from protocol.paths import cache_dir

        editor = Editor(bundle, device=choose_device(args.device))
    store = Store(cache_dir() / "evaluation", anew=args.anew)
    photo_set = PhotoSet(editor, args.photos, store, quiet=args.quiet)
    names = held_out_names(bundle.name)
    if args.held_out:
        names = args.held_out.read_text(encoding="utf-8").split()
    observers = OptionalInputs(
        ratings=args.ratings,
        landmarker=args.landmarker,
        face_api=args.face_api,
        distilled=args.distilled,
        maskgan=args.maskgan,
        inception=args.inception,
    )
    edits = _edits(args, bundle)
    return Evaluation(photo_set, names, edits, observers, args.count, args.photo_sheets)


def _edits(args: argparse.Namespace, bundle: Bundle) -> list[Edit]:
    """Those that were asked for; by default every preset that fits the generator."""
    from edit_library import Library
    from protocol.paths import library_dir

    library = Library(library_dir())
    shape = (bundle.config.n_ws, bundle.config.w_dim)
    if args.edits:
        edits = [library.get(bundle.name, name) for name in args.edits]
        for edit in edits:
            edit.info.check_generator(bundle.sha, shape)
        return edits
    presets = [info for info in library.list(bundle.name) if info.source == "preset"]
    fitting = [info for info in presets if info.generator_sha256 == bundle.sha]
    return [library.get(bundle.name, info.name) for info in fitting]


def _plot(sections: Results, folder: Path) -> None:
    from backend.evaluation.plots import plot_quality, plot_sweep

    if "sweep" in (smile := sections.get("smile", {})):
        plot_sweep(smile, folder / "smile-sweep.png")
        if "frechet" in smile["sweep"]:  # results of earlier versions have no such curves
            plot_quality(smile, folder / "smile-quality.png")


def _about(bundle: Bundle) -> Results:
    """What the results are of."""
    words = ["editgan", "evaluate", "--bundle", bundle.name, "--photos", "PHOTOS", "..."]
    return {
        "name": bundle.name,
        "title": bundle.title,
        "resolution": bundle.resolution,
        "command": shlex.join(words),
        "files": bundle.photo_files,
    }
