"""Training a face parser on hand-labelled photographs.

Its way down starts from the bundle's perceptual network, so that a few hundred photos are enough.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from backend.evaluation.parsing import SIX, Overlap
from backend.models.parser import CLASSES, RESOLUTION, FaceParser
from backend.models.runtime.precision import channels_last
from backend.training.face_parts import FaceParts
from backend.training.labelled import UNLABELLED
from backend.training.state import TrainingState, update_average

HELD_OUT = "face_parts"  # the list of photos that the score is made on
_SIDES = ((0.4, 160), (0.8, 192), (1.0, RESOLUTION))  # the crop's side until that share of steps
_EVENLY_FROM = 0.85  # share of steps from which rare classes count no more: they had grown too wide
_FIXED = 2  # stages of the way down whose edges and textures stay as they were
_AVERAGE = 0.998  # of the weights, per step


class ParserTrainer:
    """The parser, the average of its weights, its optimiser, and one step."""

    def __init__(
        self, perceptual: Path | None, weights: Tensor, *, rate: float, steps: int
    ) -> None:
        self.parser = channels_last(FaceParser()).train()
        if perceptual is not None:
            self.parser.start_from(perceptual)
            self.parser.stages[:_FIXED].requires_grad_(False)
        self.average = copy.deepcopy(self.parser).eval().requires_grad_(False)
        early = list(self.parser.stages.parameters())
        late = [p for n, p in self.parser.named_parameters() if not n.startswith("stages.")]
        groups = [{"params": early, "share": 0.2}, {"params": late, "share": 1.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=rate, weight_decay=0.01)
        self.weights, self.rate, self.steps, self.done = weights, rate, steps, 0

    def step(self, images: Tensor, labels: Tensor) -> float:
        """One step on (B, 3, H, W) in [-1, 1] and (B, H, W); returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["share"] * self.rate * schedule(self.done, self.steps)
        down, right = (int(i) for i in torch.randint(2, (2,)))  # a quarter of the pixels will do
        logits = self.parser(images)[:, :, down::2, right::2]
        evenly = self.done >= _EVENLY_FROM * self.steps
        weights = torch.ones_like(self.weights) if evenly else self.weights
        loss = parsing_loss(logits, labels[:, down::2, right::2], weights)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parser.parameters(), 2.0)
        self.optimiser.step()
        self.done += 1
        decay = min(_AVERAGE, self.done / (self.done + 10))
        update_average(self.average, self.parser, decay)
        return loss.item()

    def state(self) -> TrainingState:
        return {
            "parser": self.parser.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "done": self.done,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.parser.load_state_dict(state["parser"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = state["done"]


def schedule(step: int, steps: int) -> float:
    """A short warm-up, the full rate for half of the steps, then half a cosine down to a hundredth:
    a run that continues to another number of steps only bends later."""
    falling = min(max(2 * step / steps - 1, 0.0), 1.0)
    return min((step + 1) / 30, 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * falling)))


def side(step: int, steps: int) -> int:
    """Of the crops at a step, pixels: small ones first, at a fraction of the cost."""
    return next(side for share, side in _SIDES if step < share * steps)


def class_weights(labels: NDArray[np.uint8]) -> Tensor:
    """(C,): rare classes count more, by the root of how rare they are; their mean over all pixels
    is one. labels: uint8 of any shape."""
    counts = np.bincount(labels.ravel(), minlength=256)[: len(CLASSES)].astype(np.float64)
    counts = np.maximum(counts / counts.sum(), 2e-3)
    weights = counts**-0.5
    return torch.from_numpy(weights / (weights * counts).sum()).float()


def parsing_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross entropy and the Dice loss of the classes that occur (Milletari et al. 2016), so that
    brows count as much as hair.

    logits (B, C, H, W), labels (B, H, W) of classes or UNLABELLED, weights (C,).
    """
    entropy = F.cross_entropy(logits, labels, weights, ignore_index=UNLABELLED)
    known = labels != UNLABELLED
    true = F.one_hot(torch.where(known, labels, 0), logits.shape[1]).permute(0, 3, 1, 2)
    true = true * known[:, None]  # (B, C, H, W)
    shares = logits.softmax(dim=1) * known[:, None]
    both = (shares * true).sum(dim=(0, 2, 3))
    all_of_it = shares.sum(dim=(0, 2, 3)) + true.sum(dim=(0, 2, 3))
    occurs = true.sum(dim=(0, 2, 3)) > 0
    return entropy + (1 - 2 * both / all_of_it.clamp(min=1))[occurs].mean()


@dataclass(frozen=True, kw_only=True)
class ParserScores:
    """Intersection over union on `photos` photos, by class, and of SIX groups of them."""

    photos: int
    iou: dict[str, float]
    six: dict[str, float]
    mean_of_six: float


@torch.no_grad()
def parser_scores(parser: FaceParser, data: FaceParts, indices: NDArray[np.int64]) -> ParserScores:
    """IoU of the parser by class and by SIX on labelled crops, without their margin."""
    counts = Overlap(CLASSES)
    for i in indices:
        image, labels = data.without_margin(int(i), RESOLUTION)
        crop = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        found = parser.probabilities(crop).argmax(dim=0).numpy().astype(np.uint8)
        counts.add(found, labels, labels != UNLABELLED)
    six = counts.merged(SIX)
    mean = float(np.nanmean(list(six.values())))
    return ParserScores(photos=len(indices), iou=counts.iou(), six=six, mean_of_six=mean)
