"""`editgan train segmentation`: train the segmentation branch and score it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backend.bundles.bundle import read_bundle, write_bundle_json
from backend.bundles.card import read_card
from backend.bundles.networks import (
    Networks,
    load_encoder,
    load_generator,
    load_perceptual,
    new_segmentation_branch,
    save_network,
)
from backend.errors import BadBundle
from backend.models.segmentation import SegmentationBranch
from backend.training.embedded import embed_all
from backend.training.labelled import LabelSet, read_labelled
from backend.training.segmentation import build_branch, choose_held_back, score


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="bundle folder")
    parser.add_argument("--images", type=Path, required=True, help="folder of photos N.*")
    parser.add_argument("--labels", type=Path, help="folder of N_parts.png (default: with photos)")
    parser.add_argument("--card", type=Path, help="card.json whose parts replace the bundle's")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--held-back", type=int, default=8, help="pictures kept for the score")
    parser.add_argument("--embedding-steps", type=int, default=40)
    parser.add_argument("--codes", type=Path, help="file that keeps the embedded codes")
    parser.add_argument("--sheet", type=Path, help="write photo, labels and prediction as PNG")
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train segmentation`: scores on held-back pictures, then trains on all of them."""
    torch.manual_seed(args.seed)
    bundle = read_bundle(args.bundle)
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
    crops = read_labelled(labels, names, bundle.domain, bundle.resolution, side)
    back = choose_held_back(crops, args.held_back, len(names))
    half = len(crops)
    crops += [crop.mirrored(names) for crop in crops]
    steps = args.embedding_steps
    codes = embed_all(networks, crops, steps, args.codes, bundle.sha, quiet=args.quiet)

    def branch_of(kept: Sequence[int]) -> SegmentationBranch:
        some = [codes[i] for i in kept], [crops[i] for i in kept]
        return build_branch(bundle, networks.generator, *some, args.steps, quiet=args.quiet)

    scored = branch_of([i for i in range(len(crops)) if i % half not in back])
    test = [codes[i] for i in back], [crops[i] for i in back]
    iou = score(scored, networks.generator, *test, bundle.parts, args.sheet)
    save_network(branch_of(range(len(crops))), bundle.path("segmentation"))
    write_bundle_json(bundle)
    return {
        "pictures": half,
        "held_back": [crop.name for crop in test[1]],
        "iou": dict(zip(names, iou, strict=True)),
        "mean_iou": float(np.nanmean(iou)),
    }


def describe(report: Mapping[str, Any]) -> str:
    lines = [f"{report['pictures']} pictures; intersection over union by part on those held back:"]
    lines += [f"  {score:5.2f}  {name}" for name, score in report["iou"].items()]
    return "\n".join([*lines, f"  {report['mean_iou']:5.2f}  mean"])
