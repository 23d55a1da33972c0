"""What generators are compared by: photos that training left out, and a run's or a bundle's
networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from backend.bundles.networks import AnyEncoder, load_encoder, load_generator
from backend.bundles.registry import bundle_at
from backend.errors import BadImage
from backend.models.codes import fit_codes
from backend.models.generator import Generator
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


def networks_of(path: Path) -> tuple[Generator, AnyEncoder]:
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
