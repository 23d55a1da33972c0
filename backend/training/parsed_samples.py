"""The generator's own pictures, labelled by a face parser: codes and features fit their labels
exactly, which those of embedded photographs never do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from backend.bundles.bundle import Part
from backend.editing.photo_parts import read_parts
from backend.models.generator import Generator
from backend.models.parser import RESOLUTION, FaceParser
from backend.models.pictures import to_picture
from backend.photos.align import CropFrame
from backend.photos.pixels import from_bytes
from backend.training.labelled import LabelledCrop

_TRUNCATION = 0.9  # of samples: wilder ones are no faces that a parser knows
_SURE = 0.8  # probability from which on a pixel's label is believed
_CLEAR = 0.7  # share of such pixels that a sample must have
_COVERED = 0.02  # share of a sample that may be hidden by something that is no part


@torch.no_grad()
def parsed_samples(
    generator: Generator,
    parser: FaceParser,
    parts: Sequence[Part],
    count: int,
    side: int,
    *,
    quiet: bool = False,
) -> tuple[list[Tensor], list[LabelledCrop]]:
    """Codes (1, n_ws, w_dim) of up to `count` samples, seeds 0 upwards, and their crops with labels
    [side, side]; samples that the parser is unsure of are left out. The codes are on the CPU."""
    codes, crops = [], []
    device = generator.w_avg.device
    frame = CropFrame.of_whole(generator.config.resolution, generator.config.resolution)
    for seed in tqdm(range(count), desc="parsing samples", unit="img", disable=quiet or None):
        z = torch.randn(1, generator.config.z_dim, generator=torch.Generator().manual_seed(seed))
        code = generator.map(z.to(device), truncation=_TRUNCATION)
        picture = to_picture(generator(code)[0])
        seen = read_parts(parser, picture, frame, parts, sizes=(RESOLUTION,))
        at_labels = seen.at(side)
        sure = (at_labels.parts.max(axis=0) >= _SURE) & (at_labels.covered < 1 - _SURE)
        if sure.mean() < _CLEAR or seen.covered.mean() > _COVERED:
            continue
        valid = np.ones(picture.shape[:2], bool)
        crop = LabelledCrop(f"sample {seed}", from_bytes(picture), valid, at_labels.labels, sure)
        codes.append(code.cpu())
        crops.append(crop)
    return codes, crops
