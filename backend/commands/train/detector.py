"""`editgan train detector`: add what finds a bundle's subjects in photos."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from backend.bundles.bundle import read_bundle, write_bundle_json
from backend.bundles.networks import load_from, save_network
from backend.commands.arguments import positive
from backend.evaluation.held_out import held_out_names
from backend.models.perceptual import SqueezeNetFeatures
from backend.photos.folder import find_images, photo_name
from backend.training.detector import DetectorScores, read_scenes, score, train_head
from backend.training.scenes import Scenes


@dataclass(frozen=True, kw_only=True)
class DetectorTrainingReport(DetectorScores):
    """What the command reports."""

    bundle: str
    scenes: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="bundle folder; added to")
    parser.add_argument(
        "--images", type=Path, nargs="+", required=True, help="pictures that the subject fills"
    )
    parser.add_argument(
        "--others", type=Path, nargs="+", required=True, help="pictures without the subject"
    )
    parser.add_argument("--count", type=positive, default=4000, help="scenes to learn from")
    parser.add_argument("--epochs", type=positive, default=12)
    parser.add_argument("--tried", type=positive, default=400, help="other scenes, for the score")
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> DetectorTrainingReport:
    """`editgan train detector`: trains a head, scores it on scenes made of other pictures, and
    adds it to the bundle."""
    torch.manual_seed(args.seed)
    bundle = read_bundle(args.bundle)
    features = load_from(SqueezeNetFeatures, bundle.path("perceptual"))
    held = frozenset(held_out_names(bundle.name) or ())
    images, others = find_images(args.images), find_images(args.others)
    apart = [p for p in images if photo_name(p) in held] or images[::10]
    learnt = sorted(set(images) - set(apart))
    learning = Scenes(learnt, [p for i, p in enumerate(others) if i % 10], args.seed)
    data = read_scenes(features, learning, range(args.count), quiet=args.quiet)
    head = train_head(data, args.epochs, quiet=args.quiet)
    report = score(head, features, Scenes(apart, others[::10], args.seed + 1), args.tried)
    save_network(head, bundle.path("detector"))
    write_bundle_json(bundle)
    return DetectorTrainingReport(bundle=str(bundle.folder), scenes=args.count, **vars(report))
