"""`editgan train segmentation`: the segmentation branch from a few labelled pictures (paper 3.2).

The pictures are embedded first; the generator stays frozen; ten heads learn from its features by
cross entropy.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from backend.bundles.bundle import Bundle, read_bundle, write_bundle_json
from backend.bundles.networks import (
    Networks,
    load_encoder,
    load_generator,
    load_perceptual,
    new_segmentation_branch,
    save_network,
)
from backend.editing.inversion import Level, invert
from backend.models.sampling import sample_at
from backend.models.segmentation import SegmentationBranch, hidden_sizes
from backend.training.labelled import LabelledCrop, read_labelled


class TrainingHeads(nn.Module):
    """K MLPs of Linear, ReLU, BatchNorm, as published; batched over K."""

    def __init__(self, inputs: int, classes: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        sizes = (inputs, *hidden_sizes(classes), classes)
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(heads, i, o) * 0.02) for i, o in pairwise(sizes)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(heads, 1, o)) for o in sizes[1:])
        self.norms = nn.ModuleList(nn.BatchNorm1d(heads * o) for o in sizes[1:-1])

    def forward(self, x: Tensor) -> Tensor:  # (K, N, inputs) -> (K, N, classes)
        for weight, bias, norm in zip(self.weights, self.biases, self.norms, strict=False):
            x = F.relu(torch.baddbmm(bias, x, weight))
            k, n, c = x.shape
            x = norm(x.transpose(0, 1).reshape(n, k * c)).reshape(n, k, c).transpose(0, 1)
        return torch.baddbmm(self.biases[-1], x, self.weights[-1])

    @torch.no_grad()
    def folded_into(self, branch: SegmentationBranch, channels: Sequence[int]) -> None:
        """Copy the weights into a branch, each batch norm folded into the next linear layer."""
        weights, biases = [w.clone() for w in self.weights], [b.clone() for b in self.biases]
        for i, norm in enumerate(self.norms):
            gain = norm.weight / (norm.running_var + norm.eps).sqrt()
            shift = (norm.bias - norm.running_mean * gain).reshape(self.heads, 1, -1)
            biases[i + 1] += shift @ weights[i + 1]
            weights[i + 1] *= gain.reshape(self.heads, -1, 1)
        # (K, inputs, h0) -> one (K * h0, channels) matrix per feature map
        for target, part in zip(branch.weight0, weights[0].split(list(channels), 1), strict=True):
            target.copy_(part.transpose(1, 2).reshape(-1, part.shape[1]))
        branch.bias0.copy_(biases[0].flatten())
        for name, value in (("1", 1), ("2", 2)):
            getattr(branch, f"weight{name}").copy_(weights[value])
            getattr(branch, f"bias{name}").copy_(biases[value])


@torch.no_grad()
def embed_features(
    networks: Networks, crops: Sequence[LabelledCrop], steps: int
) -> list[list[Tensor]]:
    """Embed each crop in `steps` steps and return the generator's feature maps."""
    found = []
    for crop in tqdm(crops, desc="embedding", unit="img"):
        image = torch.from_numpy(crop.image).permute(2, 0, 1)[None]
        mask = torch.from_numpy(crop.valid)[None, None].float()
        with torch.enable_grad():
            w_plus = invert(networks, image, mask, Level(steps, stay=0.01))
        _, features = networks.generator(w_plus)
        found.append(features)
    return found


def pixel_rows(features: list[Tensor], crop: LabelledCrop) -> tuple[Tensor, Tensor]:
    """The labelled pixels of one crop: concatenated features (N, D) and labels (N,)."""
    pixels = torch.from_numpy(crop.labelled.flatten()).nonzero()[:, 0]
    side = crop.labels.shape[0]
    rows = torch.cat([sample_at(f, pixels, side) for f in features], dim=1)
    return rows, torch.from_numpy(crop.labels.flatten().astype(np.int64))[pixels]


def train_heads(
    rows: Tensor,
    labels: Tensor,
    classes: int,
    *,
    heads: int = 10,
    steps: int = 2000,
    batch: int = 64,
) -> TrainingHeads:
    """Train K heads on rows (N, D) and labels (N,), each with its own random pixels."""
    network = TrainingHeads(rows.shape[1], classes, heads)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in tqdm(range(steps), desc="heads", unit="step"):
        picked = torch.randint(len(rows), (heads, batch))
        logits = network(rows[picked])
        loss = F.cross_entropy(logits.flatten(0, 1), labels[picked].flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        decay.step()
    return network.eval()


def build_branch(
    bundle: Bundle, features: list[list[Tensor]], crops: Sequence[LabelledCrop], steps: int
) -> SegmentationBranch:
    """Train a branch on embedded crops."""
    data = [pixel_rows(f, c) for f, c in zip(features, crops, strict=True)]
    rows, labels = torch.cat([r for r, _ in data]), torch.cat([y for _, y in data])
    network = train_heads(rows, labels, len(bundle.parts), steps=steps)
    branch = new_segmentation_branch(bundle)
    network.folded_into(branch, bundle.config.feature_channels)
    return branch.eval().requires_grad_(False)


def intersection_over_union(
    branch: SegmentationBranch, features: list[list[Tensor]], crops: Sequence[LabelledCrop]
) -> list[float]:
    """IoU per class over the labelled pixels of all crops; NaN where a class does not occur."""
    counts = np.zeros((branch.classes, 2))
    for maps, crop in zip(features, crops, strict=True):
        found = branch.labels(maps).numpy()[crop.labelled]
        wanted = crop.labels[crop.labelled]
        for c in range(branch.classes):
            counts[c] += ((found == c) & (wanted == c)).sum(), ((found == c) | (wanted == c)).sum()
    with np.errstate(invalid="ignore"):
        return [float(x) for x in counts[:, 0] / counts[:, 1]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="bundle folder")
    parser.add_argument("--images", type=Path, required=True, help="folder of N.png, N_parts.png")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--held-back", type=int, default=4, help="pictures kept for the score")
    parser.add_argument("--embedding-steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> dict[str, object]:
    """`editgan train segmentation`: scores on held-back pictures, then trains on all of them."""
    torch.manual_seed(args.seed)
    bundle = read_bundle(args.bundle)
    networks = Networks(
        generator=load_generator(bundle),
        segmentation=new_segmentation_branch(bundle),
        encoder=load_encoder(bundle),
        perceptual=load_perceptual(bundle),
        identity=None,
    )
    side = networks.segmentation.resolution
    crops = read_labelled(args.images, bundle.domain, bundle.resolution, side)
    crops += [crop.mirrored() for crop in crops]
    features = embed_features(networks, crops, args.embedding_steps)
    half = len(crops) // 2
    back = {i for n in range(args.held_back) for i in (n, n + half)}
    kept = [i for i in range(len(crops)) if i not in back]
    scored = build_branch(bundle, [features[i] for i in kept], [crops[i] for i in kept], args.steps)
    test = sorted(i for i in back if i < half)
    iou = intersection_over_union(scored, [features[i] for i in test], [crops[i] for i in test])
    save_network(build_branch(bundle, features, crops, args.steps), bundle.path("segmentation"))
    write_bundle_json(bundle)
    return {
        "pictures": half,
        "held_back": len(test),
        "iou": {part.name: score for part, score in zip(bundle.parts, iou, strict=True)},
        "mean_iou": float(np.nanmean(iou)),
    }
