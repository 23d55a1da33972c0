"""`editgan train segmentation`: train the segmentation branch and score it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backend.bundles.bundle import Bundle, write_bundle_json
from backend.bundles.card import read_card
from backend.bundles.networks import (
    Networks,
    load_encoder,
    load_generator,
    load_parser,
    load_perceptual,
    new_segmentation_branch,
    save_network,
)
from backend.bundles.registry import bundle_at
from backend.errors import BadBundle
from backend.models.generator import Generator
from backend.models.segmentation import SegmentationBranch
from backend.training.embedded import embed_all
from backend.training.labelled import LabelledCrop, LabelSet, read_labelled
from backend.training.parsed_samples import parsed_samples
from backend.training.segmentation import build_branch, choose_held_back, score


@dataclass(frozen=True)
class SegmentationTrainingReport:
    """What the command reports."""

    pictures: int
    skipped: list[str]
    parsed_samples: int
    held_back: list[str]
    iou: dict[str, float]
    mean_iou: float


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
    parser.add_argument("--embedding-steps", type=int, default=40)
    parser.add_argument("--codes", type=Path, help="file that keeps the embedded codes")
    parser.add_argument("--sheet", type=Path, help="write photo, labels and prediction as PNG")
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> SegmentationTrainingReport:
    """`editgan train segmentation`: scores on held-back pictures, then trains on all of them."""
    torch.manual_seed(args.seed)
    bundle = bundle_at(args.bundle)
    if args.card is not None:
        card = read_card(args.card)
        bundle = replace(bundle, parts=card.parts, groups=card.groups, large=card.large)
    if not bundle.parts:
        raise BadBundle(f"The model '{bundle.name}' names no parts yet; give --card card.json.")
    networks = Networks(
        generator=load_generator(bundle),
        segmentation=new_segmentation_branch(bundle),
        encoder=load_encoder(bundle),
        perceptual=load_perceptual(bundle),
        identity=None,
    )
    names = [part.name for part in bundle.parts]
    labels = LabelSet.open(args.labels or args.images, args.images)
    side = networks.segmentation.resolution
    skipped: list[str] = []
    crops = read_labelled(labels, names, bundle.domain, bundle.resolution, side, skipped)
    back = choose_held_back(crops, args.held_back, len(names))
    half = len(crops)
    crops += [crop.mirrored(names) for crop in crops]
    steps = args.embedding_steps
    codes = embed_all(networks, crops, steps, args.codes, bundle.sha, quiet=args.quiet)

    more = _parsed(bundle, networks.generator, side, args)

    def branch_of(kept: Sequence[int]) -> SegmentationBranch:
        some = [codes[i] for i in kept] + more[0], [crops[i] for i in kept] + more[1]
        return build_branch(bundle, networks.generator, *some, args.steps, quiet=args.quiet)

    scored = branch_of([i for i in range(len(crops)) if i % half not in back])
    test = [codes[i] for i in back], [crops[i] for i in back]
    iou = score(scored, networks.generator, *test, bundle.parts, args.sheet)
    save_network(branch_of(range(len(crops))), bundle.path("segmentation"))
    write_bundle_json(bundle)
    return SegmentationTrainingReport(
        pictures=half,
        skipped=skipped,
        parsed_samples=len(more[0]),
        held_back=[crop.name for crop in test[1]],
        iou=dict(zip(names, iou, strict=True)),
        mean_iou=float(np.nanmean(iou)),
    )


def _parsed(
    bundle: Bundle, generator: Generator, side: int, args: argparse.Namespace
) -> tuple[list[Tensor], list[LabelledCrop]]:
    """Codes and crops of samples that the bundle's parser labelled; raises BadBundle."""
    if not args.parsed:
        return [], []
    parser = load_parser(bundle)
    if parser is None:
        raise BadBundle(f"The model '{bundle.name}' has no face parser to label samples with.")
    return parsed_samples(generator, parser, bundle.parts, args.parsed, side, quiet=args.quiet)


def describe(report: SegmentationTrainingReport) -> str:
    lines = [f"{report.pictures} pictures; intersection over union by part on those held back:"]
    lines += [f"  {score:5.2f}  {name}" for name, score in report.iou.items()]
    lines.append(f"  {report.mean_iou:5.2f}  mean")
    if names := report.skipped:
        lines.append(f"{len(names)} skipped, no subject found in them: {', '.join(names)}")
    return "\n".join(lines)
