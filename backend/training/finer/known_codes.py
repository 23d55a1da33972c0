"""Pictures whose codes are known exactly, because they were embedded: kept in a run's folder."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from backend.bundles.bundle import Bundle
from backend.bundles.networks import (
    Networks,
    load_encoder,
    load_generator,
    load_perceptual,
    new_segmentation_branch,
)
from backend.editing.inversion import InversionLevel, invert
from backend.training.dataset import AlignedDataset
from backend.training.state import load_state, save_state

_FILE = "codes.pt"
_BATCH = 8
_STAY = 0.01  # towards the encoder's answer


@dataclass(frozen=True, eq=False)
class KnownCodes:
    """indices [N] into a data set's kept pictures, and their codes (N, n_ws, w_dim)."""

    indices: NDArray[np.int64]
    codes: Tensor

    @classmethod
    def find(
        cls, bundle: Bundle, data: AlignedDataset, first: int, args: argparse.Namespace
    ) -> KnownCodes:
        """Embed `args.known` of the first pictures, spread evenly; what the run's folder holds
        already is used, and what it lacks is added after each batch."""
        indices = np.linspace(0, first - 1, args.known).round().astype(np.int64)
        names = [data.names[data.kept[i]] for i in indices]
        path = args.run_folder / _FILE
        kept = _kept(path, bundle, args.embedding_steps)
        missing = [i for i, name in zip(indices, names, strict=True) if name not in kept]
        groups = np.array_split(missing, -(-len(missing) // _BATCH)) if missing else []
        networks = _networks(bundle, data.device)
        for group in tqdm(groups, desc="embedding", unit="batch", disable=args.quiet or None):
            pictures = data.batch(group, bundle.resolution)
            codes = _embedded(networks, pictures, args.embedding_steps)
            found = zip(group, codes.half().cpu(), strict=True)
            kept |= {data.names[data.kept[i]]: code for i, code in found}
            about = {"generator": bundle.sha, "steps": args.embedding_steps}
            save_state(path, {"codes": kept, **about})
        return cls(indices, torch.stack([kept[name] for name in names]).float().to(data.device))


def _kept(path: Path, bundle: Bundle, steps: int) -> dict[str, Tensor]:
    state = load_state(path)
    if not state or (state["generator"], state["steps"]) != (bundle.sha, steps):
        return {}  # of another generator
    return dict(state["codes"])


def _networks(bundle: Bundle, device: torch.device) -> Networks:
    perceptual = load_perceptual(bundle)
    assert isinstance(perceptual, nn.Module)  # all of them are
    perceptual.to(device)
    return Networks(
        generator=load_generator(bundle).to(device),
        segmentation=new_segmentation_branch(bundle).to(device),
        encoder=load_encoder(bundle).to(device),
        perceptual=perceptual,
        identity=None,
    )


def _embedded(networks: Networks, pictures: Tensor, steps: int) -> Tensor:
    """Codes of pictures (B, 3, R, R), all at once."""
    mask = torch.ones(1, 1, *pictures.shape[2:], device=pictures.device)
    return invert(networks, pictures, mask, InversionLevel(steps, encoder=_STAY))
