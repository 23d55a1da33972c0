"""`editgan label`: pictures of a model's own, with empty maps to paint its parts on."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import (
    add_bundle,
    add_device,
    not_negative,
    positive,
)
from backend.training.labelling.templates import NAMES, template_path

if TYPE_CHECKING:
    from backend.bundles.bundle import Bundle, Part


@dataclass(frozen=True)
class LabelReport:
    """What the command reports. uncertainty: of each new picture, in nats, the highest first;
    empty where the model has no such parts yet."""

    labels: str
    card: str
    bundle: str
    maps: list[str]
    looked_at: int
    uncertainty: list[float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("labels", type=Path, help="folder of the label set; made if missing")
    add_bundle(parser)
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument(
        "--template", choices=NAMES,
        help="a list of parts to begin with; it is written to card.json in the folder",
    )  # fmt: skip
    parts.add_argument("--card", type=Path, help="card.json with the parts")
    parser.add_argument("--count", type=positive, default=8, help="new pictures (default: 8)")
    parser.add_argument(
        "--candidates", type=not_negative, default=64, metavar="N",
        help="samples among which a model that has parts already chooses those it is least sure "
        "of (default: 64)",
    )  # fmt: skip
    add_device(parser)


def run(args: argparse.Namespace) -> LabelReport:
    """Add pictures to a label set; raises UserError."""
    import torch
    from tqdm import tqdm

    from backend.bundles import find_bundle
    from backend.bundles.networks import load_generator, load_segmentation
    from backend.session.devices import choose_device
    from backend.training.labelling.samples import add_samples, candidates, next_seed

    bundle = find_bundle(args.bundle)
    parts = _parts(bundle, args)
    known = bundle.has("segmentation") and parts == bundle.parts
    looked_at = max(args.count, args.candidates) if known else args.count
    first = next_seed(args.labels)
    device = torch.device(choose_device(args.device))
    generator = load_generator(bundle).to(device)
    branch = load_segmentation(bundle).to(device) if known else None
    with tqdm(total=looked_at, desc="Drawing samples", disable=args.quiet or None) as bar:
        seeds = range(first, first + looked_at)
        chosen = candidates(generator, branch, seeds, seen=bar.update)[: args.count]
    maps = add_samples(args.labels, generator, bundle.sha, branch, parts, chosen)
    return LabelReport(
        labels=str(args.labels),
        card=str(args.labels / "card.json"),
        bundle=bundle.name,
        maps=[str(path) for path in maps],
        looked_at=looked_at,
        uncertainty=[one.unsure for one in chosen if one.unsure is not None],
    )


def describe(report: LabelReport) -> str:
    least_sure = ", those of which the model is least sure" if report.uncertainty else ""
    return (
        f"{len(report.maps)} pictures of {report.looked_at} samples{least_sure}, in "
        f"{report.labels}. Paint the parts on the maps (*_parts.png), in GIMP with their "
        f"palette, then run: editgan train segmentation --bundle {report.bundle} --images "
        f"{report.labels} --card {report.card}"
    )


def _parts(bundle: Bundle, args: argparse.Namespace) -> tuple[Part, ...]:
    """The parts to label; writes `card.json` into the folder, or reads the one that is there.

    Raises BadBundle.
    """
    from backend.bundles.card import read_card, write_card
    from backend.errors import BadBundle

    own = args.labels / "card.json"
    given = template_path(args.template) if args.template else args.card
    if own.exists():
        parts = read_card(own).parts
        if given and read_card(given).parts != parts:
            raise BadBundle(f"{own} names other parts already; label other parts in a new folder.")
        return parts
    if given is None and not bundle.parts:
        raise BadBundle(
            f"The model '{bundle.name}' names no parts yet: begin with --template "
            f"{NAMES[0]} (or another one), or name your own with --card."
        )
    args.labels.mkdir(parents=True, exist_ok=True)
    if given:
        read_card(given)
        own.write_bytes(given.read_bytes())
    else:
        write_card(bundle, own)
    return read_card(own).parts
