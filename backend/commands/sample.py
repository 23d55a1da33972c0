"""`editgan sample`: random pictures from a model, to see what it knows."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.commands.arguments import (
    add_bundle,
    add_declaration,
    add_device,
    finite,
    positive,
    seed_number,
)
from backend.commands.inputs import declared


@dataclass(frozen=True)
class SampleReport:
    """What the command reports."""

    output: str
    bundle: str
    licence: str
    resolution: int
    columns: int
    seeds: list[int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    parser.add_argument(
        "--seed", type=seed_number, default=0, metavar="N",
        help="the first picture's seed; the next ones follow (default: 0)",
    )  # fmt: skip
    parser.add_argument("--count", type=positive, default=16, help="how many (default: 16)")
    parser.add_argument(
        "--truncation", type=finite, default=0.8, metavar="PSI",
        help="0 gives the average, 1 the full variety (default: 0.8)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="GRID.png")
    add_declaration(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> SampleReport:
    """Write a grid of samples at the model's resolution; raises UserError."""
    from backend.bundles import find_bundle
    from backend.photos.files import check_output, write_photo
    from backend.photos.photo import Photo

    check_output(args.output)
    bundle = find_bundle(args.bundle)
    seeds = list(range(args.seed, args.seed + args.count))
    columns = math.ceil(math.sqrt(args.count))
    grid = declared(Photo(_draw(bundle, seeds, columns, args)), args, "trainedAlgorithmicMedia")
    write_photo(grid, args.output)
    return SampleReport(
        output=str(args.output),
        bundle=bundle.name,
        licence=bundle.license,
        resolution=bundle.resolution,
        columns=columns,
        seeds=seeds,
    )


def describe(report: SampleReport) -> str:
    first, last = report.seeds[0], report.seeds[-1]
    return (
        f"{report.output}: seeds {first} to {last}, {report.columns} in a row, "
        f"{report.resolution} pixels each, from the model '{report.bundle}'"
    )


def _draw(bundle: Any, seeds: list[int], columns: int, args: argparse.Namespace) -> Any:
    """uint8 [H, W, 3]."""
    import numpy as np
    import torch
    from tqdm import tqdm

    from backend.bundles.networks import load_generator
    from backend.models.generator import sample_z
    from backend.models.pictures import grid, to_uint8
    from backend.photos.align import within_aspect
    from backend.session.devices import choose_device

    device = torch.device(choose_device(args.device))
    generator = load_generator(bundle).to(device)
    batches = [seeds[i : i + 16] for i in range(0, len(seeds), 16)]
    pictures = []
    with torch.no_grad():
        for batch in tqdm(batches, desc="Sampling", disable=args.quiet or None, leave=False):
            z = sample_z(bundle.config, batch).to(device)
            image, _ = generator(generator.map(z, truncation=args.truncation))
            pictures.append(to_uint8(image))
    shown = within_aspect(bundle.resolution, bundle.aspect)
    return grid(np.concatenate(pictures)[:, shown.any(axis=1)][:, :, shown.any(axis=0)], columns)
