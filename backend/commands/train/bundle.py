"""`editgan train bundle`: turn a training run's averaged networks into a model bundle."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

from backend.bundles.bundle import Bundle, read_bundle, write_bundle_json
from backend.bundles.card import Card, read_card
from backend.bundles.networks import load_generator, save_network, save_state
from backend.errors import BadSetting
from backend.models.config import GeneratorConfig
from backend.models.encoder import within_codes
from backend.training.codes import add_codes
from backend.training.state import load_networks_of
from backend.training.trainer import averaged_networks


@dataclass(frozen=True)
class BundleTrainingReport:
    """What the command reports."""

    bundle: str
    images_seen: int
    sha: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run", dest="run_folder", type=Path, required=True,
        help="folder of a run: its best networks (best.pt), or the last ones; or one of the files",
    )  # fmt: skip
    parser.add_argument("--output", "-o", type=Path, required=True, help="bundle folder")
    parser.add_argument("--images", type=Path, required=True, help="folder from `train align`")
    parser.add_argument("--card", type=Path, required=True, help="JSON: title, parts, licence, ...")
    parser.add_argument("--perceptual", type=Path, required=True)
    parser.add_argument("--identity", type=Path)
    parser.add_argument(
        "--compact", action="store_true",
        help="keep the encoder's answers within the space that samples are drawn from: a third of "
        "its size, a little less faithful before optimisation",
    )  # fmt: skip


def run(args: argparse.Namespace) -> BundleTrainingReport:
    """`editgan train bundle`."""
    state = load_networks_of(args.run_folder)
    if state is None:
        raise BadSetting(f"{args.run_folder} holds no training state (state.pt); name a run.")
    generator, encoder = averaged_networks(state)
    args.output.mkdir(parents=True, exist_ok=True)
    card = read_card(args.card)
    bundle = _describe(args.output, card, generator.config, state["seen"])
    save_network(generator, bundle.path("generator"))
    save_network(encoder, bundle.path("encoder"))
    shutil.copyfile(args.perceptual, bundle.path("perceptual"))
    if args.identity:
        shutil.copyfile(args.identity, bundle.path("identity"))
    for stale in ("segmentation", "codes"):  # they belonged to another generator
        bundle.path(stale).unlink(missing_ok=True)
    written = write_bundle_json(bundle)
    add_codes(written, args.images, quiet=args.quiet)
    if args.compact:
        codes = load_generator(read_bundle(args.output)).codes
        assert codes is not None  # fitted just now
        small = within_codes(encoder, generator.w_avg, codes.mean, codes.basis)
        save_state(small, bundle.path("encoder"))
        write_bundle_json(bundle)
    return BundleTrainingReport(bundle=str(args.output), images_seen=state["seen"], sha=written.sha)


def _describe(folder: Path, card: Card, config: GeneratorConfig, seen: int) -> Bundle:
    return Bundle(
        folder=folder,
        name=folder.name,
        title=card.title,
        domain=card.domain,
        crop=card.crop,
        config=config,
        parts=card.parts,
        large=card.large,
        license=card.license,
        source=card.source,
        groups=card.groups,
        images_seen=seen,
    )
