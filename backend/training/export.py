"""`editgan train bundle`: turn a training run's averaged networks into a model bundle."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from torch import Tensor

from backend.bundles.bundle import Bundle, write_bundle_json
from backend.bundles.card import Card, read_card
from backend.bundles.networks import save_network
from backend.errors import BadSetting
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator, sample_z
from backend.training.pictures import save_grid, to_uint8
from backend.training.state import load_state
from backend.training.trainer import averaged_networks

_TRUNCATIONS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
_STEPS = 8  # pictures from one sample to the next


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
        raise BadSetting(f"{args.run_folder} holds no training state (state.pt); name a run.")
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
    draw_card_pictures(generator, args.output)
    return {"bundle": str(args.output), "images_seen": state["seen"], "sha": written.sha}


@torch.no_grad()
def draw_card_pictures(generator: Generator, folder: Path) -> None:
    """The model card's pictures, none chosen: 64 samples, a truncation sweep, interpolations in
    W."""
    z = sample_z(generator.config, range(64))

    def save(name: str, codes: list[Tensor], columns: int) -> None:
        pictures = torch.cat([generator(w_plus)[0] for w_plus in codes])
        save_grid(folder / name, to_uint8(pictures), columns)

    save("samples.png", [generator.map(some, truncation=0.8) for some in z.split(16)], 16)
    sweep = [generator.map(one, truncation=psi) for one in z[:4].split(1) for psi in _TRUNCATIONS]
    save("truncation.jpg", sweep, len(_TRUNCATIONS))
    ends = generator.map(z[:6], truncation=0.8)
    steps = torch.linspace(0, 1, _STEPS).tolist()
    pairs = zip(ends[0::2].split(1), ends[1::2].split(1), strict=True)
    save("interpolation.jpg", [a.lerp(b, t) for a, b in pairs for t in steps], _STEPS)


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
