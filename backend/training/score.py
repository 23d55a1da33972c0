"""`editgan train score`: compare generators by sharpness, variety and distance from photos that
they never saw."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from backend.bundles.networks import load_encoder, load_from, load_generator
from backend.bundles.registry import bundle_at
from backend.commands.inputs import check_packages
from backend.errors import BadImage
from backend.models.codes import fit_codes
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.perceptual import SqueezeNetFeatures
from backend.training.dataset import AlignedDataset
from backend.training.state import load_networks_of
from backend.training.trainer import averaged_networks


def unseen_photos(
    images: Path | Sequence[Path], held_out: frozenset[str], resolution: int, count: int
) -> Tensor:
    """Up to `count` of the pictures that training left out, (N, 3, R, R) in [-1, 1]."""
    data = AlignedDataset(images)
    chosen = [i for i, name in enumerate(data.names) if name in held_out][:count]
    if len(chosen) < 2:
        where = images if isinstance(images, Path) else ", ".join(map(str, images))
        raise BadImage(f"{where} holds no pictures that were left out of training.")
    return data.batch(chosen, resolution)


def networks_of(path: Path) -> tuple[Generator, Encoder]:
    """Generator and encoder of a bundle folder, or the averages of a training run, its best ones
    where these were kept."""
    if (path / "bundle.json").exists():
        bundle = bundle_at(path)
        return load_generator(bundle), load_encoder(bundle)
    state = load_networks_of(path)
    if state is None:
        raise BadImage(f"{path} holds neither a bundle nor a training run.")
    generator, encoder = averaged_networks(state)
    generator.codes, _ = fit_codes(state["codes"], generator.config.z_dim)
    return generator, encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("networks", type=Path, nargs="+", help="bundle folders or training runs")
    parser.add_argument("--images", type=Path, required=True, help="folder from `train align`")
    parser.add_argument("--held-out", type=Path, required=True, help="names never trained on")
    parser.add_argument("--perceptual", type=Path, required=True, help="SqueezeNet .safetensors")
    parser.add_argument("--count", type=int, default=200, help="photos, and as many samples")


def run(args: argparse.Namespace) -> dict[str, Any]:
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
        rows[str(path)] = asdict(found)
    return {"scores": rows}


def describe(report: dict[str, Any]) -> str:
    """A table, one line for each generator."""
    rows = report["scores"]
    columns = [key for key in next(iter(rows.values())) if key != "feature_space"]
    space = next(iter(rows.values()))["feature_space"]
    lines = ["".join(f"{column:>18}" for column in columns)]
    for path, values in rows.items():
        lines.append("".join(f"{values[column]:>18.4f}" for column in columns) + f"  {path}")
    return "\n".join([*lines, f"frechet: {space}"])
