"""Training a small network that finds a bundle's subjects in photos.

It learns from scenes: pictures in which the subject fills the frame, pasted turned and at several
sizes into other pictures, beside things that are no subjects. SqueezeNet's features stay as they
are; only a head on them is trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from backend.models.perceptual import SqueezeNetFeatures
from backend.models.pictures import to_float
from backend.models.subject_map import SubjectHead, cell_centres, cells_of, decode, encode
from backend.photos.align import CropFrame
from backend.training.scenes import Scene, Scenes

_NEAR = 0.35  # heat from which on a cell also learns where the subject is
_THRESHOLD = 0.5  # heat that counts as found
_ALIKE = 0.25  # how far a found centre may lie from the true one, in sides


def _wanted(scene: Scene, centres: Tensor) -> tuple[Tensor, Tensor]:
    """What the head should say of a scene: heat (h, w) and the rest (5, h, w), of the nearest
    subject at each cell."""
    heat = torch.zeros(centres.shape[:2])
    rest = torch.zeros(5, *heat.shape)
    for frame in scene.frames:
        centre, half = _axes(frame)
        own, values = encode(centres, centre, half)
        rest = torch.where(own > heat, values, rest)
        heat = torch.maximum(own, heat)
    return heat, rest


def _axes(frame: CropFrame) -> tuple[Tensor, Tensor]:
    """Centre (2,) and half width (2,) of a frame."""
    half = (frame.quad[3] - frame.quad[0]) / 2
    return torch.from_numpy(frame.quad.mean(axis=0)).float(), torch.from_numpy(half).float()


def head_loss(said: Tensor, heat: Tensor, rest: Tensor) -> Tensor:
    """said (B, 6, h, w); heat (B, h, w) and rest (B, 5, h, w) as wanted."""
    errors = F.binary_cross_entropy_with_logits(said[:, 0], heat, reduction="none")
    doubt = (said[:, 0].sigmoid() - heat).abs().square()  # focal: what is known teaches nothing
    seen = (heat > _NEAR).float()
    away = F.smooth_l1_loss(said[:, 1:], rest, reduction="none", beta=0.1).sum(dim=1)
    count = seen.sum().clamp(min=1)
    return 4 * (errors * doubt).sum() / count + (away * seen).sum() / count


def read_scenes(
    features: SqueezeNetFeatures, scenes: Scenes, numbers: range, *, quiet: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Cells (N, 768, h, w) in half precision, heat (N, h, w) and the rest (N, 5, h, w)."""
    cells, heats, rests = [], [], []
    for number in tqdm(numbers, desc="scenes", unit="scene", disable=quiet or None):
        scene = scenes(number)
        picture = to_float(torch.from_numpy(scene.picture).permute(2, 0, 1)[None])
        found = cells_of(features, picture)
        heat, rest = _wanted(scene, cell_centres(*found.shape[-2:]))
        cells.append(found.half())
        heats.append(heat)
        rests.append(rest)
    return torch.cat(cells), torch.stack(heats), torch.stack(rests)


def train_head(data: tuple[Tensor, Tensor, Tensor], epochs: int, *, quiet: bool) -> SubjectHead:
    """Train a head on cells, heat and rest, see `read_scenes`."""
    head, batch = SubjectHead(), 32
    steps = epochs * -(-len(data[0]) // batch)
    optimiser = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=1e-2)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for _ in tqdm(range(epochs), desc="head", unit="epoch", disable=quiet or None):
        for some in torch.randperm(len(data[0])).split(batch):
            cells, heat, rest = (x[some] for x in data)
            loss = head_loss(head(cells.float()), heat, rest)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            pace.step()
    return head.eval().requires_grad_(False)


@dataclass(frozen=True, kw_only=True)
class DetectorScores:
    """How well subjects are found; the errors are means over those that were."""

    recall: float
    precision: float
    centre_error_in_sides: float
    size_error: float
    angle_error_in_degrees: float


def score(
    head: SubjectHead, features: SqueezeNetFeatures, scenes: Scenes, count: int
) -> DetectorScores:
    """On scenes that were not learned from: the share of subjects that are found, the share of
    what is found that is a subject, and how far off centre, size and angle are."""
    found = there = right = 0
    errors: list[tuple[float, float, float]] = []
    for number in range(count):
        scene = scenes(number)
        picture = to_float(torch.from_numpy(scene.picture).permute(2, 0, 1)[None])
        said = decode(head(cells_of(features, picture))[0], _THRESHOLD)
        there += len(scene.frames)
        found += len(said.score)
        for frame in scene.frames:
            centre, half = _axes(frame)
            away = (said.centre - centre).norm(dim=1) / frame.size
            if len(away) and float(away.min()) < _ALIKE:
                right += 1
                errors.append(_errors(said.centre, said.half, int(away.argmin()), centre, half))
    means = np.mean(errors, axis=0) if errors else np.full(3, np.nan)
    return DetectorScores(
        recall=right / max(there, 1),
        precision=right / max(found, 1),
        centre_error_in_sides=float(means[0]),
        size_error=float(means[1]),
        angle_error_in_degrees=float(means[2]),
    )


def _errors(
    centres: Tensor, halves: Tensor, index: int, centre: Tensor, half: Tensor
) -> tuple[float, float, float]:
    size = 2 * float(half.norm())
    away = float((centres[index] - centre).norm()) / size
    larger = abs(float(halves[index].norm() / half.norm()) - 1)
    turned = torch.atan2(halves[index][1], halves[index][0]) - torch.atan2(half[1], half[0])
    return away, larger, abs(float(torch.rad2deg(turned)))
