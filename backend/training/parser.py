"""`editgan train parser`: a face parser from hand-labelled photographs.

Its way down starts from the bundle's perceptual network, so that a few hundred photos are enough.
"""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from backend.bundles.bundle import read_bundle, write_bundle_json
from backend.bundles.networks import save_network
from backend.commands.arguments import positive
from backend.evaluation.held_out import held_out_names
from backend.evaluation.parsing import SIX, Overlap
from backend.models.parser import CLASSES, RESOLUTION, FaceParser
from backend.training.face_parts import FaceParts
from backend.training.labelled import UNLABELLED
from backend.training.photographic import augmented
from backend.training.state import load_state, save_state, update_average

HELD_OUT = "face_parts"  # the list of photos that the score is made on
_SIDES = ((0.4, 160), (0.8, 192), (1.0, RESOLUTION))  # the crop's side until that share of steps
_FIXED = 2  # stages of the way down whose edges and textures stay as they were
_AVERAGE = 0.998  # of the weights, per step
_EVERY = 50  # steps between states


class ParserTrainer:
    """The parser, the average of its weights, its optimiser, and one step."""

    def __init__(
        self, perceptual: Path | None, weights: Tensor, *, rate: float, steps: int
    ) -> None:
        self.parser = FaceParser().to(memory_format=torch.channels_last).train()
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
        loss = parsing_loss(logits, labels[:, down::2, right::2], self.weights)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parser.parameters(), 2.0)
        self.optimiser.step()
        self.done += 1
        decay = min(_AVERAGE, self.done / (self.done + 10))
        update_average(self.average, self.parser, decay)
        return loss.item()

    def state(self) -> dict[str, Any]:
        parts = {"parser": self.parser, "average": self.average, "optimiser": self.optimiser}
        return {name: part.state_dict() for name, part in parts.items()} | {"done": self.done}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.parser.load_state_dict(state["parser"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = state["done"]


def schedule(step: int, steps: int) -> float:
    """A short warm-up, the full rate for half of the steps, then half a cosine down to a hundredth:
    a run that goes on to another number of steps only bends later."""
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


@torch.no_grad()
def parser_scores(
    parser: FaceParser, data: FaceParts, indices: NDArray[np.int64]
) -> dict[str, object]:
    """IoU of the parser by class and by SIX on labelled crops, without their margin."""
    counts = Overlap(CLASSES)
    for i in indices:
        image, labels = data.without_margin(int(i), RESOLUTION)
        crop = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        found = parser.probabilities(crop).argmax(dim=0).numpy().astype(np.uint8)
        counts.add(found, labels, labels != UNLABELLED)
    six = counts.merged(SIX)
    return {
        "photos": len(indices),
        "iou": counts.iou(),
        "six": six,
        "mean_of_six": float(np.nanmean(list(six.values()))),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="bundle folder")
    parser.add_argument("--images", type=Path, required=True, help="photos N.*, maps N_parts.png")
    parser.add_argument("--run", dest="run_folder", type=Path, required=True, help="training state")
    parser.add_argument("--steps", type=positive, default=3000)
    parser.add_argument("--batch", type=positive, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)


def _batch(
    data: FaceParts, kept: NDArray[np.int64], count: int, step: int, size: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Augmented crops of one step, the same whenever it is taken: (B, 3, size, size), (B, ...)."""
    rng = np.random.default_rng([seed, step])
    epoch, first = divmod(step * count, len(kept) - count)
    order = np.random.default_rng([seed, epoch, 1]).permutation(kept)
    chosen = order[first : first + count]
    pairs = [augmented(data.images[i], data.labels[i], size, rng) for i in chosen]
    images = torch.from_numpy(np.stack([image for image, _ in pairs])).permute(0, 3, 1, 2)
    labels = torch.from_numpy(np.stack([labels for _, labels in pairs]).astype(np.int64))
    return images.float() / 127.5 - 1, labels


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train parser`: resumes the run found in `--run`, then writes into the bundle."""
    torch.manual_seed(args.seed)
    bundle = read_bundle(args.bundle)
    held_out = frozenset(held_out_names(HELD_OUT) or ())
    data = FaceParts.of(args.images, args.run_folder / "crops", quiet=args.quiet)
    kept, back = (data.indices(held_out, among=among) for among in (False, True))
    start = bundle.path("perceptual") if bundle.has("perceptual") else None
    weights = class_weights(data.labels[::4, ::4, ::4])
    trainer = ParserTrainer(start, weights, rate=args.rate, steps=args.steps)
    path = args.run_folder / "parser.pt"
    if state := load_state(path):
        trainer.restore(state)
    bar = tqdm(
        total=args.steps, initial=trainer.done, unit="step", mininterval=5, disable=args.quiet
    )
    while trainer.done < args.steps:
        size = side(trainer.done, args.steps)
        loss = trainer.step(*_batch(data, kept, args.batch, trainer.done, size, args.seed))
        bar.update()
        if trainer.done % _EVERY == 0 or trainer.done == args.steps:
            bar.set_postfix(loss=f"{loss:.3f}")
            save_state(path, trainer.state())
            save_network(trainer.average, args.run_folder / "parser.safetensors")
    save_network(trainer.average, bundle.path("parser"))
    write_bundle_json(bundle)
    return parser_scores(trainer.average, data, back) | {"bundle": str(bundle.folder)}


def describe(report: Mapping[str, Any]) -> str:
    lines = [f"intersection over union on {report['photos']} photos kept out of training:"]
    for group in ("iou", "six"):
        lines += [f"  {score:5.3f}  {name}" for name, score in report[group].items()]
    return "\n".join([*lines, f"  {report['mean_of_six']:5.3f}  mean of the six"])
