"""Fitting the distribution that a bundle's samples are drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from backend.bundles.bundle import Bundle, write_bundle_json
from backend.bundles.networks import load_encoder, load_generator, save_network
from backend.evaluation.held_out import held_out_names
from backend.models.codes import fit_codes
from backend.models.generator import Generator, sample_z
from backend.models.pictures import save_grid, to_uint8
from backend.training.dataset import AlignedDataset

_BATCH = 32
_PICTURES = 8192  # well more than a code has numbers
_TRUNCATIONS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
_STEPS = 8  # pictures from one sample to the next


@torch.no_grad()
def add_codes(bundle: Bundle, images: Path, *, device: str = "cpu", quiet: bool = False) -> float:
    """Fit the distribution of codes to pictures and write it into the bundle, with the pictures of
    its card; returns the share of the codes' variance that it holds."""
    generator, encoder = load_generator(bundle), load_encoder(bundle).to(device)
    mean = generator.w_avg.to(device)
    data = AlignedDataset(images, exclude=frozenset(held_out_names(bundle.name) or ()))
    chosen = np.random.default_rng(0).permutation(len(data))[:_PICTURES]
    batches = np.array_split(chosen, -(-len(chosen) // _BATCH))
    shown = tqdm(batches, desc="Encoding", disable=quiet or None, leave=False)
    size = bundle.resolution
    codes = [encoder(data.batch(some, size).to(device), mean).cpu() for some in shown]
    generator.codes, held = fit_codes(torch.cat(codes), bundle.config.z_dim)
    save_network(generator.codes, bundle.path("codes"))
    write_bundle_json(bundle)
    draw_card_pictures(generator, bundle.folder)
    return held


@torch.no_grad()
def draw_card_pictures(generator: Generator, folder: Path) -> None:
    """The model card's pictures, none chosen: 64 samples, a truncation sweep, interpolations."""
    z = sample_z(generator.config, range(64))

    def save(name: str, codes: list[Tensor], columns: int) -> None:
        pictures = torch.cat([generator(w_plus)[0] for w_plus in codes])
        save_grid(folder / name, to_uint8(pictures), columns)

    save("samples.jpg", [generator.map(some, truncation=0.8) for some in z.split(16)], 16)
    sweep = [generator.map(one, truncation=psi) for one in z[:4].split(1) for psi in _TRUNCATIONS]
    save("truncation.jpg", sweep, len(_TRUNCATIONS))
    ends = generator.map(z[:6], truncation=0.8)
    steps = torch.linspace(0, 1, _STEPS).tolist()
    pairs = zip(ends[0::2].split(1), ends[1::2].split(1), strict=True)
    save("interpolation.jpg", [a.lerp(b, t) for a, b in pairs for t in steps], _STEPS)
