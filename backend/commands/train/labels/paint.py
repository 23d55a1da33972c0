"""`editgan train labels paint`: paint outlines, read off a sheet, onto label maps."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.bundles.card import read_card
from backend.training.labelled import LabelSet, label_path
from backend.training.labelling.files import write_classes, write_label_map
from backend.training.labelling.outlines import paint, read_outlines


@dataclass(frozen=True)
class LabelsPaintReport:
    """What the command reports."""

    painted: int
    labels: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--labels", type=Path, required=True, help="label set; made if missing")
    parser.add_argument("--images", type=Path, required=True, help="folder of photos")
    parser.add_argument("--card", type=Path, required=True, help="card.json with the parts")
    parser.add_argument("--outlines", type=Path, required=True, help="JSON: what to paint where")


def run(args: argparse.Namespace) -> LabelsPaintReport:
    """Paints on the label maps that there are; where there is none, on an empty background."""
    parts = read_card(args.card).parts
    outlines = read_outlines(args.outlines)
    write_classes(args.labels, parts)
    labels = LabelSet.open(args.labels, args.images)
    for name, items in outlines.items():
        if label_path(args.labels, name).exists():
            before = labels.map(name)
        else:
            before = np.zeros(labels.photo(name).shape[:2], np.uint8)
        write_label_map(args.labels, name, paint(before, items, labels.classes), parts)
    return LabelsPaintReport(painted=len(outlines), labels=str(args.labels))
