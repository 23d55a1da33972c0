"""Training the segmentation branch from a few labelled pictures (paper 3.2).

The pictures are embedded first; the generator stays frozen; ten heads learn from its features by
cross entropy.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.bundle import Bundle, Part
from backend.bundles.networks import new_segmentation_branch
from backend.editing.progress import ProgressCallback, no_progress
from backend.models.generator import Generator
from backend.models.pictures import save_grid, to_uint8
from backend.models.segmentation import SegmentationBranch
from backend.models.segmentation.pixel_reader import sample_at
from backend.training.heads import train_heads
from backend.training.labelled import LabelledCrop
from backend.training.labelling.sheet import comparison

_DENSITY = 5.0  # pixels of a part that are learned from, per square root of the part's pixels
_MOST = 2 << 30  # bytes of all their features: of large generators fewer pixels are learned from
_CORRECTION = 0.5  # of the logits for that: all of it loses brows, none of it eats into the skin


def drawn_pixels(crop: LabelledCrop, most: int) -> tuple[Tensor, Tensor]:
    """Some labelled pixels of a crop, at most `most` (and one of each part), small parts more
    densely: their places in the flat map, and their labels, (N,) each."""
    labels = torch.from_numpy(crop.labels.flatten().astype(np.int64))
    labelled = torch.from_numpy(crop.labelled.flatten())
    parts = [
        (labelled & (labels == part)).nonzero()[:, 0] for part in labels[labelled].unique().tolist()
    ]
    density = min(_DENSITY, most / max(sum(len(pixels) ** 0.5 for pixels in parts), 1))
    drawn = []
    for pixels in parts:
        wanted = max(1, int(density * len(pixels) ** 0.5))
        drawn.append(pixels[torch.randperm(len(pixels))[:wanted]])
    picked = torch.cat(drawn)
    return picked, labels[picked]


@torch.no_grad()
def features_at(
    generator: Generator, codes: Sequence[Tensor], places: Sequence[Tensor], side: int
) -> Tensor:
    """The concatenated features at places (N,) of flat maps [side, side], those of one code
    (1, n_ws, w_dim) after the other: float16 (sum of N, D) on the CPU."""
    counts, device = [len(at) for at in places], generator.w_avg.device
    rows = torch.empty(sum(counts), sum(generator.config.feature_channels), dtype=torch.half)
    for part, w_plus, at in zip(rows.split(counts), codes, places, strict=True):
        _, features = generator(w_plus.to(device))
        found = [sample_at(f, at.to(device), side) for f in features]
        part.copy_(torch.cat(found, dim=1))
    return rows


def features_bytes(inputs: int, parts: int, side: int, crops: int) -> int:
    """What `build_branch` takes for the features of so many crops, about."""
    pixels = 0.6 * _DENSITY * side * parts**0.5  # 1 if all parts were of one size
    return min(_MOST, round(2 * inputs * pixels * crops))


def build_branch(
    bundle: Bundle,
    generator: Generator,
    codes: Sequence[Tensor],
    crops: Sequence[LabelledCrop],
    steps: int,
    *,
    quiet: bool = False,
    progress: ProgressCallback = no_progress,
) -> SegmentationBranch:
    """Train a branch on embedded crops."""
    classes = len(bundle.parts)
    most = _MOST // (2 * sum(bundle.config.feature_channels) * len(crops))
    drawn = [drawn_pixels(crop, most) for crop in crops]
    rows = features_at(generator, codes, [at for at, _ in drawn], len(crops[0].labels))
    labels = torch.cat([of_pixels for _, of_pixels in drawn])
    everything = np.concatenate([c.labels[c.labelled] for c in crops])
    in_pictures = torch.bincount(torch.from_numpy(everything.astype(np.int64)), minlength=classes)
    commoner = in_pictures.clamp(min=1) / torch.bincount(labels, minlength=classes).clamp(min=1)
    prior = _CORRECTION * commoner.log()
    device = generator.w_avg.device
    network = train_heads(
        rows, labels, prior, steps=steps, device=device, quiet=quiet, progress=progress
    )
    branch = new_segmentation_branch(bundle)
    network.cpu().folded_into(branch, bundle.config.feature_channels)
    return branch.eval().requires_grad_(False)


def intersection_over_union(
    found: Sequence[NDArray[np.uint8]], crops: Sequence[LabelledCrop], classes: int
) -> list[float]:
    """IoU per class over the labelled pixels of all crops; NaN where a class does not occur."""
    counts = np.zeros((classes, 2))
    for labels, crop in zip(found, crops, strict=True):
        a, b = labels[crop.labelled], crop.labels[crop.labelled]
        for c in range(classes):
            counts[c] += ((a == c) & (b == c)).sum(), ((a == c) | (b == c)).sum()
    with np.errstate(invalid="ignore"):
        return [float(x) for x in counts[:, 0] / counts[:, 1]]


def choose_held_back(crops: Sequence[LabelledCrop], count: int, classes: int) -> list[int]:
    """Indices of `count` crops that show each part as often as all crops do, and at least once."""
    occurs = np.stack([np.bincount(c.labels[c.labelled], minlength=classes) > 0 for c in crops])
    wanted = np.maximum(np.round(occurs.sum(axis=0) * count / len(crops)), 1)
    chosen: list[int] = []
    for _ in range(min(count, len(crops) - 1)):
        missing = (wanted - occurs[chosen].sum(axis=0)) / wanted  # negative: more than enough
        gain = occurs @ missing
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return sorted(chosen)


@torch.no_grad()
def score(
    branch: SegmentationBranch,
    generator: Generator,
    codes: Sequence[Tensor],
    crops: Sequence[LabelledCrop],
    parts: Sequence[Part],
    sheet: Path | None,
) -> list[float]:
    """IoU per part on crops; writes a sheet (photo, reconstruction, labels, prediction)."""
    rows, found = [], []
    device = generator.w_avg.device
    branch = copy.deepcopy(branch).to(device)
    for w_plus, crop in zip(codes, crops, strict=True):
        image, features = generator(w_plus.to(device))
        found.append(branch.labels(features).cpu().numpy().astype(np.uint8))
        rows += comparison(crop, to_uint8(image)[0], found[-1], parts)
    if sheet is not None:
        save_grid(sheet, np.stack(rows), columns=4)
    return intersection_over_union(found, crops, branch.classes)
