"""`editgan train segmentation`: train the segmentation branch and score it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

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
from backend.commands.arguments import add_device
from backend.errors import BadBundle, BadImage
from backend.models.generator import Generator
from backend.models.segmentation import SegmentationBranch
from backend.session.devices import choose_device
from backend.training.embedded import embed_all
from backend.training.labelled import LabelledCrop, LabelSet, read_labelled
from backend.training.labelling.samples import read_codes, read_samples
from backend.training.parsed_samples import parsed_samples
from backend.training.segmentation import build_branch, choose_held_back, score


@dataclass(frozen=True)
class SegmentationTrainingReport:
    """What the command reports."""

    pictures: int
    samples: int
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
    add_device(parser)


def run(args: argparse.Namespace) -> SegmentationTrainingReport:
    """`editgan train segmentation`: scores on held-back pictures, then trains on all of them."""
    torch.manual_seed(args.seed)
    bundle = bundle_at(args.bundle)
    if args.card is not None:
        card = read_card(args.card)
        bundle = replace(bundle, parts=card.parts, groups=card.groups, large=card.large)
    if not bundle.parts:
        raise BadBundle(f"The model '{bundle.name}' names no parts yet; give --card card.json.")
    device = torch.device(choose_device(args.device))
    generator = load_generator(bundle).to(device)
    side = new_segmentation_branch(bundle).resolution
    skipped: list[str] = []
    photos, samples = _labelled(bundle, side, skipped, args)
    names = [part.name for part in bundle.parts]
    back = choose_held_back(photos + samples.crops, args.held_back, len(names))
    mirrored = [crop.mirrored(names) for crop in photos]
    codes = _embedded(bundle, generator, photos + mirrored, args)
    count = len(photos)
    known = Taught(codes[:count] + samples.codes, photos + samples.crops)
    turned = Taught(codes[count:], mirrored)
    parsed = _parsed(bundle, generator, side, args)

    def branch_of(kept: Sequence[int]) -> SegmentationBranch:
        some = known.of(kept) + turned.of([i for i in kept if i < count]) + parsed
        return build_branch(bundle, generator, some.codes, some.crops, args.steps, quiet=args.quiet)

    everything = range(len(known.crops))
    scored = branch_of([i for i in everything if i not in back])
    test = known.of(back)
    iou = score(scored, generator, test.codes, test.crops, bundle.parts, args.sheet)
    save_network(branch_of(everything), bundle.path("segmentation"))
    write_bundle_json(bundle)
    return SegmentationTrainingReport(
        pictures=len(known.crops),
        samples=len(samples.crops),
        skipped=skipped,
        parsed_samples=len(parsed.crops),
        held_back=[crop.name for crop in test.crops],
        iou=dict(zip(names, iou, strict=True)),
        mean_iou=float(np.nanmean(iou)),
    )


@dataclass(frozen=True, eq=False)
class Taught:
    """Codes (1, n_ws, w_dim) and the labelled crops that they draw."""

    codes: list[Tensor]
    crops: list[LabelledCrop]

    def of(self, kept: Sequence[int]) -> Taught:
        return Taught([self.codes[i] for i in kept], [self.crops[i] for i in kept])

    def __add__(self, other: Taught) -> Taught:
        return Taught(self.codes + other.codes, self.crops + other.crops)


def _labelled(
    bundle: Bundle, side: int, skipped: list[str], args: argparse.Namespace
) -> tuple[list[LabelledCrop], Taught]:
    """The photos, whose codes are yet to be found, and the painted samples; raises BadImage."""
    labels = LabelSet.open(args.labels or args.images, args.images)
    parts = [part.name for part in bundle.parts]
    codes = read_codes(labels.labels, bundle.sha)
    samples = Taught(*read_samples(labels, codes, parts, side))
    names = [name for name in labels.names() if name not in codes]
    photos = read_labelled(
        labels, parts, bundle.domain, bundle.resolution, side, skipped, names,
        aspect=bundle.aspect, whole=bundle.whole,
    )  # fmt: skip
    if not samples.crops and not photos:
        raise BadImage(f"Nothing is painted on the label maps in {labels.labels} yet.")
    return photos, samples


def _embedded(
    bundle: Bundle, generator: Generator, crops: Sequence[LabelledCrop], args: argparse.Namespace
) -> list[Tensor]:
    """The codes of photos' crops; raises IncompleteBundle where there is no encoder for them."""
    if not crops:
        return []
    device = generator.w_avg.device
    perceptual = load_perceptual(bundle)
    assert isinstance(perceptual, nn.Module)
    networks = Networks(
        generator=generator,
        segmentation=new_segmentation_branch(bundle).to(device),
        encoder=load_encoder(bundle).to(device),
        perceptual=perceptual,
        identity=None,
    )
    perceptual.to(device)
    return embed_all(
        networks, crops, args.embedding_steps, args.codes, bundle.sha, quiet=args.quiet
    )


def _parsed(bundle: Bundle, generator: Generator, side: int, args: argparse.Namespace) -> Taught:
    """Samples that the bundle's parser labelled; raises BadBundle."""
    if not args.parsed:
        return Taught([], [])
    parser = load_parser(bundle)
    if parser is None:
        raise BadBundle(f"The model '{bundle.name}' has no face parser to label samples with.")
    some = parsed_samples(generator, parser, bundle.parts, args.parsed, side, quiet=args.quiet)
    return Taught(*some)


def describe(report: SegmentationTrainingReport) -> str:
    lines = [f"{report.pictures} pictures; intersection over union by part on those held back:"]
    lines += [f"  {score:5.2f}  {name}" for name, score in report.iou.items()]
    lines.append(f"  {report.mean_iou:5.2f}  mean")
    if names := report.skipped:
        why = "unreadable, tiny, or without a subject in the picture"
        lines.append(f"{len(names)} skipped, {why}: {', '.join(names)}")
    return "\n".join(lines)
