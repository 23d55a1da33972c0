"""Codes of labelled pictures, kept in a file: embedding is the slow part of training a branch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from backend.bundles.networks import Networks
from backend.editing.inversion import InversionLevel, invert
from backend.editing.progress import Progress, ProgressCallback, no_progress
from backend.training.labelled import LabelledCrop


def embed(networks: Networks, crop: LabelledCrop, steps: int) -> Tensor:
    """The code (1, n_ws, w_dim) of a crop, on the CPU."""
    device = networks.generator.w_avg.device
    image = torch.from_numpy(crop.image).permute(2, 0, 1)[None].to(device)
    mask = torch.from_numpy(crop.valid)[None, None].float().to(device)
    return invert(networks, image, mask, InversionLevel(steps, encoder=0.01)).cpu()


def embed_all(
    networks: Networks,
    crops: Sequence[LabelledCrop],
    steps: int,
    kept: Path | None = None,
    generator_sha: str = "",
    *,
    quiet: bool = False,
    progress: ProgressCallback = no_progress,
) -> list[Tensor]:
    """The codes (1, n_ws, w_dim) of crops.

    kept: a safetensors file of codes by name. What it holds of the same generator and as many steps
    is used; what it lacks is added after each picture, so that an interrupted run resumes.
    """
    about = {"generator": generator_sha, "steps": str(steps)}
    codes = _read(kept, about) if kept is not None else {}
    bar = tqdm(crops, desc="embedding", unit="img", disable=quiet or None)
    for number, crop in enumerate(bar):
        progress(Progress(number / len(crops), "Embedding"))
        if crop.name not in codes:
            codes[crop.name] = embed(networks, crop, steps)
            if kept is not None:
                save_file(codes, kept, about)
    return [codes[crop.name] for crop in crops]


def _read(path: Path, about: dict[str, str]) -> dict[str, Tensor]:
    if not path.is_file():
        return {}
    with safe_open(path, "pt") as file:
        if file.metadata() != about:
            return {}  # of another generator
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
