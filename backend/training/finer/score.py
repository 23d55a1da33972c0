"""What a new finest block adds, on photos that nothing was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from backend.evaluation.generator_quality import (
    ReconstructionQuality,
    reconstruction_quality,
)
from backend.training.finer.trainer import FinerTrainer
from backend.training.unseen import unseen_photos

_PHOTOS = 100
_BATCH = 8


@dataclass(frozen=True)
class FinerScores:
    """Of the small generator's pictures, enlarged, and of the grown one's."""

    before: ReconstructionQuality
    after: ReconstructionQuality


@torch.no_grad()
def finer_scores(trainer: FinerTrainer, folder: Path, held_out: frozenset[str]) -> FinerScores:
    """Reconstructions of unseen photos at the full size, by the encoder alone: the small
    generator's, enlarged, and the grown one's. Raises BadImage where there are none."""
    from backend.evaluation.distances import PerceptualSpace

    grown = trainer.averaged()
    photos = unseen_photos(folder, held_out, grown.config.resolution, _PHOTOS).to(trainer.device)
    before, after = [], []
    for some in photos.split(_BATCH):
        codes = trainer.encode(some)
        small = trainer.small(codes)[0]
        before.append(F.interpolate(small, scale_factor=2.0, mode="bicubic").clamp(-1, 1))
        longer = torch.cat([codes, codes[:, -1:], codes[:, -1:]], dim=1)
        after.append(grown(longer)[0].clamp(-1, 1))
    space = PerceptualSpace(trainer.features)
    found = (
        reconstruction_quality(torch.cat(some), photos, trainer.features, space)
        for some in (before, after)
    )
    return FinerScores(*found)
