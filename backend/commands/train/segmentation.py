"""`editgan train segmentation`: train the segmentation branch and score it."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from backend.bundles.card import read_card, with_parts_of
from backend.bundles.registry import bundle_at
from backend.commands.arguments import add_device
from backend.session.devices import choose_device
from backend.training.parts_from_labels import LabelCourse, PartsFromLabels, learn_from_labels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="the model's name or folder")
    parser.add_argument("--images", type=Path, required=True, help="folder of photos N.*")
    parser.add_argument("--labels", type=Path, help="folder of N_parts.png (default: with photos)")
    parser.add_argument("--card", type=Path, help="card.json whose parts replace the bundle's")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--held-back", type=int, default=8, help="pictures kept for the score")
    parser.add_argument(
        "--parsed", type=int, default=0, metavar="N",
        help="also learn from up to N of the generator's own samples, labelled by the bundle's "
        "face parser",
    )  # fmt: skip
    parser.add_argument(
        "--mirrored-samples", action="store_true",
        help="embed the mirror images of labelled samples, too, and learn from them (needs an "
        "encoder; those of photos always are)",
    )  # fmt: skip
    parser.add_argument("--embedding-steps", type=int, default=40)
    parser.add_argument("--codes", type=Path, help="file that keeps the embedded codes")
    parser.add_argument("--sheet", type=Path, help="write photo, labels and prediction as PNG")
    parser.add_argument("--seed", type=int, default=0)
    add_device(parser)


def run(args: argparse.Namespace) -> PartsFromLabels:
    """`editgan train segmentation`: scores on held-back pictures, then trains on all of them."""
    torch.manual_seed(args.seed)
    bundle = bundle_at(args.bundle)
    if args.card is not None:
        bundle = with_parts_of(bundle, read_card(args.card))
    course = LabelCourse(
        images=args.images,
        labels=args.labels,
        steps=args.steps,
        held_back=args.held_back,
        parsed=args.parsed,
        mirrored_samples=args.mirrored_samples,
        embedding_steps=args.embedding_steps,
        codes=args.codes,
        sheet=args.sheet,
        device=choose_device(args.device),
        quiet=args.quiet,
    )
    return learn_from_labels(bundle, course)


def describe(report: PartsFromLabels) -> str:
    lines = [f"{report.pictures} pictures; intersection over union by part on those held back:"]
    lines += [f"  {score:5.2f}  {name}" for name, score in report.iou.items()]
    lines.append(f"  {report.mean_iou:5.2f}  mean")
    if names := report.skipped:
        why = "unreadable, tiny, or without a subject in the picture"
        lines.append(f"{len(names)} skipped, {why}: {', '.join(names)}")
    return "\n".join(lines)
