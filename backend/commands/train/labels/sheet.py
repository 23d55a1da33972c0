"""`editgan train labels sheet`: label maps drawn over their photos."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.bundles.card import read_card
from backend.models.pictures import save_grid
from backend.training.labelled import LabelSet
from backend.training.labelling.sheet import overlay


@dataclass(frozen=True)
class LabelsSheetReport:
    """What the command reports."""

    pictures: int
    sheet: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="pictures (default: all)")
    parser.add_argument("--labels", type=Path, required=True, help="label set")
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument(
        "--card", type=Path, required=True, help="card.json with the parts' colours"
    )
    parser.add_argument("--output", "-o", type=Path, required=True, help="PNG to write")
    parser.add_argument("--size", type=int, default=600, help="pixels for each picture")
    parser.add_argument("--columns", type=int, default=2)


def run(args: argparse.Namespace) -> LabelsSheetReport:
    """`editgan train labels sheet`."""
    parts = read_card(args.card).parts
    labels = LabelSet.open(args.labels, args.images)
    names = args.names or labels.names()
    tiles = np.full((len(names), args.size, args.size, 3), 255, np.uint8)
    for tile, name in zip(tiles, names, strict=True):
        photo = labels.photo(name)
        picture = overlay(photo, labels.map(name), parts, args.size / max(photo.shape[:2]))
        tile[: picture.shape[0], : picture.shape[1]] = picture
    save_grid(args.output, tiles, args.columns)
    return LabelsSheetReport(pictures=len(names), sheet=str(args.output))
