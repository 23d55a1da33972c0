"""`editgan train score`: compare generators by sharpness, variety and distance from photos that
they never saw."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tqdm import tqdm

from backend.bundles.networks import load_from
from backend.commands.inputs import check_packages
from backend.models.perceptual import SqueezeNetFeatures
from backend.training.unseen import networks_of, unseen_photos

if TYPE_CHECKING:
    from backend.evaluation.generator_quality import GeneratorQuality


@dataclass(frozen=True)
class ScoreTrainingReport:
    """One row for each of the networks, by its path."""

    scores: dict[str, GeneratorQuality]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("networks", type=Path, nargs="+", help="bundle folders or training runs")
    parser.add_argument("--images", type=Path, required=True, help="folder from `train align`")
    parser.add_argument("--held-out", type=Path, required=True, help="names never trained on")
    parser.add_argument("--perceptual", type=Path, required=True, help="SqueezeNet .safetensors")
    parser.add_argument("--count", type=int, default=200, help="photos, and as many samples")


def run(args: argparse.Namespace) -> ScoreTrainingReport:
    """`editgan train score`: one row for each of the networks."""
    check_packages("Scoring", ["torch_fidelity"])
    from backend.evaluation.distances import PerceptualSpace
    from backend.evaluation.generator_quality import generator_quality

    torch.manual_seed(0)
    perceptual = load_from(SqueezeNetFeatures, args.perceptual)
    space = PerceptualSpace(perceptual)
    held = frozenset(args.held_out.read_text(encoding="utf-8").split())
    rows = {}
    for path in tqdm(args.networks, unit="generator", disable=args.quiet or None):
        generator, encoder = networks_of(path)
        photos = unseen_photos(args.images, held, generator.config.resolution, args.count)
        found = generator_quality(generator, encoder, perceptual, space, photos)
        rows[str(path)] = found
    return ScoreTrainingReport(rows)


def describe(report: ScoreTrainingReport) -> str:
    """A table, one line for each generator."""
    rows = {path: asdict(quality) for path, quality in report.scores.items()}
    columns = [key for key in next(iter(rows.values())) if key != "feature_space"]
    space = next(iter(rows.values()))["feature_space"]
    lines = ["".join(f"{column:>18}" for column in columns)]
    for path, values in rows.items():
        lines.append("".join(f"{values[column]:>18.4f}" for column in columns) + f"  {path}")
    return "\n".join([*lines, f"frechet: {space}"])
