"""`editgan train bundle`: turn a training run's averaged networks into a model bundle."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch

from backend.bundles.bundle import Bundle, write_bundle_json
from backend.bundles.card import Card, read_card
from backend.bundles.networks import save_network
from backend.errors import EditGanError
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator, sample_z
from backend.training.pictures import save_grid, to_uint8
from backend.training.state import load_state
from backend.training.trainer import averaged_networks


@torch.no_grad()
def centre_on_mean(generator: Generator, encoder: Encoder) -> None:
    """Set w_avg to the mean of mapped codes, and let the encoder count from there."""
    z = torch.randn(10_000, generator.config.z_dim, generator=torch.Generator().manual_seed(0))
    mean = generator.mapping(z).mean(dim=0)
    moved = mean - generator.w_avg
    generator.w_avg.copy_(mean)
    encoder.heads.bias -= moved.repeat(generator.config.n_ws)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", dest="run_folder", type=Path, required=True)
    parser.add_argument("--output", "-o", type=Path, required=True, help="bundle folder")
    parser.add_argument("--card", type=Path, required=True, help="JSON: title, parts, licence, ...")
    parser.add_argument("--perceptual", type=Path, required=True)
    parser.add_argument("--identity", type=Path)


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train bundle`."""
    state = load_state(args.run_folder / "state.pt")
    if state is None:
        raise EditGanError(f"{args.run_folder} holds no training state (state.pt).")
    generator, encoder = averaged_networks(state)
    centre_on_mean(generator, encoder)
    args.output.mkdir(parents=True, exist_ok=True)
    card = read_card(args.card)
    bundle = _describe(args.output, card, generator.config, state["seen"])
    save_network(generator, bundle.path("generator"))
    save_network(encoder, bundle.path("encoder"))
    shutil.copyfile(args.perceptual, bundle.path("perceptual"))
    if args.identity:
        shutil.copyfile(args.identity, bundle.path("identity"))
    bundle.path("segmentation").unlink(missing_ok=True)  # it belonged to another generator
    written = write_bundle_json(bundle)
    images, _ = generator(generator.map(sample_z(generator.config, range(64)), truncation=0.8))
    save_grid(args.output / "samples.png", to_uint8(images), columns=16)
    return {"bundle": str(args.output), "images_seen": state["seen"], "sha": written.sha}


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
