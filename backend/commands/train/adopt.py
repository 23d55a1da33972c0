"""`editgan adopt`: from a StyleGAN2 checkpoint to a model that opens photos, in one command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import ALIGNED_PLACES, add_device, not_negative, positive

if TYPE_CHECKING:
    from backend.training.adopting.report import AdoptionReport


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="CHECKPOINT", help="as for 'editgan import'")
    parser.add_argument("--name", required=True, help="the new model's name")
    parser.add_argument("--title", help="its name for people (default: NAME)")
    parser.add_argument(
        "--domain", help="what it draws: faces, cats ... (default: faces where faces are found in "
        "its samples, else other)",
    )  # fmt: skip
    parser.add_argument("--license", help="the checkpoint's licence terms")
    parser.add_argument(
        "--class", type=not_negative, dest="chosen", metavar="N",
        help="which class a conditional generator is to draw: 0 is the first",
    )  # fmt: skip
    parser.add_argument(
        "--teacher", metavar="NAME",
        help="the model whose parts it learns (default: the built-in one of the same domain)",
    )  # fmt: skip
    parser.add_argument("--images", type=Path, help=f"photos to learn from, too: {ALIGNED_PLACES}")
    parser.add_argument(
        "--encoder-images", type=positive, default=30_000, metavar="N",
        help="samples that the encoder learns from (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--batch", type=positive, default=8, help="samples in a step (default: 8)")
    parser.add_argument(
        "--at-once", type=positive, default=2, metavar="N",
        help="pictures in memory together; fewer take less memory (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--labelled", type=positive, default=200, metavar="N",
        help="samples that the teacher labels (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--heads-steps", type=positive, default=2000, metavar="N")
    parser.add_argument(
        "--check", type=Path, metavar="LABELS",
        help="photographs with maps drawn by hand: says how well the learned parts agree with them",
    )  # fmt: skip
    parser.add_argument("--check-count", type=positive, default=40, metavar="N")
    parser.add_argument(
        "--preset-steps", type=not_negative, default=60, metavar="N",
        help="optimisation steps for each edit on each sample; 0 learns no edits",
    )  # fmt: skip
    parser.add_argument(
        "--estimate", action="store_true", help="say how long it takes, and do nothing else"
    )
    add_device(parser)


def run(args: argparse.Namespace) -> AdoptionReport:
    """Do every step that is not done yet; raises EditGanError, BadEdit."""
    from backend.session.devices import choose_device
    from backend.training.adopting.steps import Adopting, AdoptionOptions

    options = AdoptionOptions(
        file=args.file,
        name=args.name,
        title=args.title,
        domain=args.domain,
        license=args.license,
        chosen=args.chosen,
        teacher=args.teacher,
        images=args.images,
        encoder_images=args.encoder_images,
        batch=args.batch,
        at_once=args.at_once,
        labelled=args.labelled,
        heads_steps=args.heads_steps,
        check=args.check,
        check_count=args.check_count,
        preset_steps=args.preset_steps,
        device=choose_device(args.device),
        quiet=args.quiet,
    )
    adopting = Adopting(options)
    return adopting.estimate() if args.estimate else adopting.run()


def describe(report: AdoptionReport) -> str:
    name, lines = report.bundle, [report.estimate]
    if encoder := report.encoder:
        lines.append(
            f"Encoder: perceptual distance of held-out samples {encoder.distance_before:.3f} "
            f"before, {encoder.distance:.3f} after {encoder.images:,.0f} samples."
        )
    if parts := report.parts:
        lines.append(
            f"Parts: {parts.samples} samples labelled by '{parts.teacher}'; mean "
            f"intersection over union with it on samples held back {parts.mean_iou:.2f}."
        )
    if checked := report.checked:
        lines.append(
            f"Beside labels made by hand, on {checked.pictures} photographs: mean intersection "
            f"over union {checked.mean_iou:.2f}."
        )
        lines += [f"  {value:5.2f}  {part}" for part, value in checked.iou.items()]
        if checked.skipped:
            lines.append(f"  {checked.skipped} more could not be read, or show no subject.")
        if checked.unknown:
            lines.append(
                f"  Not compared, as the model has no such part: {', '.join(checked.unknown)}."
            )
    if presets := report.presets:
        lines.append(f"Edits: {', '.join(presets.learnt) or 'none'}.")
    if report.peak_gb:
        lines.append(f"Memory at its peak: {report.peak_gb:.1f} GB.")
    if report.missing is not None:
        lacks = " and ".join(report.missing)
        ready = f"It still lacks its {lacks} (docs/own-model.md)." if lacks else (
            f"Try it: editgan segment PHOTO --bundle {name} -o parts.png"
        )  # fmt: skip
        lines += [f"Its folder: {report.folder}", ready]
    return "\n".join(lines)
