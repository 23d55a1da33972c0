"""EditGAN's optimisation written for clarity instead of speed, in three named variants.

Every feature map of the generator is upsampled to the label resolution, all are concatenated, ten
separate MLPs read the region's pixels, and every loss is computed anew in each step (paper section
3.3, eqs. 2-5, and section 3.2 for the segmentation branch). What differs between the variants:

- `ENGINE`: the objective of this program (`backend/editing/objective.py`). The engine must give the
  same loss and the same gradient; `edit_step.py` measures what the difference in form is worth.
- `PAPER`: the paper's text. It gives no weights: those are the release's, with eq. 4 at weight 1.
- `RELEASE`: what the authors' released tool computes for its one configuration, a car. It upsamples
  features by nearest neighbour inside the optimisation, though bilinearly wherever else it
  segments; a fourth term keeps the code near the encoder's answer to the picture; there is no
  identity term, and 30 steps are 29.

`variants.py` runs all three on the same edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.bundles.networks import Networks
from backend.editing.objective import EditTarget, at_resolution
from backend.editing.options import Weights
from backend.editing.region import buffer_pixels, dilate
from backend.models.perceptual import feature_distance
from backend.models.segmentation import SegmentationBranch


@dataclass(frozen=True)
class Variant:
    """One form of the objective and of its optimisation.

    weights: of eqs. 2-5; upsampling: of the features; encoder: weight of the mean square of
    w+ - E(G(w+)), the encoder's answer taken as fixed; removed: whether a pixel that lost its part
    and gained none claims -log(1 - p(old part)), else it counts as what the target's labels say;
    dilations: how often r grows by a square of 3 x 3 pixels, None for a disc of 5 pixels at 512;
    lr: learning rate of Adam; steps: how many.
    """

    name: str
    weights: Weights
    upsampling: Literal["bilinear", "nearest"] = "bilinear"
    encoder: float = 0.0
    removed: bool = False
    dilations: int | None = None
    lr: float = 0.02
    steps: int = 30


_PUBLISHED = Weights(rgb=15.0, lpips=10.0, l2=5.0, cross_entropy=1.0, identity=1.0, changed=1.0)

ENGINE = Variant("engine", Weights(), removed=True)
PAPER = Variant("paper", _PUBLISHED)
RELEASE = Variant(
    "release",
    replace(_PUBLISHED, identity=0.0),
    upsampling="nearest",
    encoder=1.0,
    dilations=3,
    steps=29,
)
VARIANTS = (ENGINE, PAPER, RELEASE)


def region(labels: Tensor, edited: Tensor, variant: Variant) -> Tensor:
    """r of eq. 1, bool (L, L): pixels of the edited parts before or after, dilated.

    labels: int64 (2, L, L), before and after; edited: int64 (Q,), the parts of Q_edit.
    """
    inside = torch.isin(labels, edited).any(dim=0)
    if variant.dilations is None:
        return torch.from_numpy(dilate(inside.numpy(), buffer_pixels(len(inside))))
    grown = inside[None, None].float()
    for _ in range(variant.dilations):
        grown = F.max_pool2d(grown, 3, stride=1, padding=1)
    return grown[0, 0] > 0


def separate_heads(branch: SegmentationBranch) -> list[nn.Sequential]:
    """The branch's heads as ordinary MLPs on concatenated features (batch norms are folded in)."""
    first = torch.cat(list(branch.weight0), dim=1).chunk(branch.heads)  # K of (h0, D)
    heads = []
    for k in range(branch.heads):
        matrices = (first[k], branch.weight1[k].t(), branch.weight2[k].t())
        biases = (branch.bias0.chunk(branch.heads)[k], branch.bias1[k, 0], branch.bias2[k, 0])
        layers: list[nn.Module] = []
        for weight, bias in zip(matrices, biases, strict=True):
            layers += [_linear(weight, bias), nn.ReLU()]
        heads.append(nn.Sequential(*layers[:-1]).requires_grad_(False))
    return heads


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    layer.weight, layer.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())
    return layer


def segment(
    heads: Sequence[nn.Module],
    features: Sequence[Tensor],
    region: Tensor,
    upsampling: Literal["bilinear", "nearest"] = "bilinear",
) -> Tensor:
    """Mean logits (N, classes) at the pixels of region, bool (L, L)."""
    smooth = {"align_corners": False} if upsampling == "bilinear" else {}
    upsampled = [
        F.interpolate(f, size=tuple(region.shape), mode=upsampling, **smooth) for f in features
    ]
    stacked = torch.cat(upsampled, dim=1)  # (1, D, L, L)
    rows = stacked[0].permute(1, 2, 0)[region]  # (N, D)
    return torch.stack([head(rows) for head in heads]).mean(dim=0)


def loss(
    networks: Networks,
    heads: Sequence[nn.Module],
    w_plus: Tensor,
    before: Tensor,
    target: EditTarget,
    variant: Variant = ENGINE,
) -> Tensor:
    """L_editing (eq. 5) at w_plus (1, n_ws, w_dim), against G(w+) before the edit (1, 3, R, R)."""
    weights = variant.weights
    image, features = networks.generator(w_plus)
    region = target.region & target.valid
    # Eq. 2: outside the region the picture stays as it was.
    outside = at_resolution(~target.region & target.valid, image.shape[-1])
    new, old = networks.perceptual, before * outside
    distance = feature_distance(new.features(image * outside), new.features(old)).sum()
    total = weights.rgb * weights.lpips * new.scale * distance
    total = total + weights.rgb * weights.l2 * F.mse_loss(image * outside, old)
    # Eq. 3: inside, it takes the painted parts.
    logits = segment(heads, features, region, variant.upsampling)
    counts = torch.where(target.changed[region], weights.changed, 1.0)
    painted = _painted(logits, target, region, variant.removed)
    total = total + weights.cross_entropy * (counts * painted).sum() / counts.sum()
    # Eq. 4: the person stays the same.
    if networks.identity is not None and weights.identity:
        alike = (networks.identity.embed(image) * networks.identity.embed(before)).sum()
        total = total + weights.identity * (1 - alike)
    if variant.encoder:
        with torch.no_grad():
            seen = networks.encoder(image, networks.generator.w_avg)
        total = total + variant.encoder * F.mse_loss(w_plus, seen)
    return total


def optimise(
    networks: Networks, w_plus: Tensor, before: Tensor, target: EditTarget, variant: Variant
) -> tuple[Tensor, list[float]]:
    """The delta (1, n_ws, w_dim) of the smallest loss that Adam meets, and all losses."""
    heads = separate_heads(networks.segmentation)
    delta = torch.zeros_like(w_plus, requires_grad=True)
    adam = torch.optim.Adam([delta], lr=variant.lr)
    best, losses = delta.detach().clone(), []
    for _ in range(variant.steps):
        value = loss(networks, heads, w_plus + delta, before, target, variant)
        losses.append(value.item())
        if losses[-1] == min(losses):
            best = delta.detach().clone()
        (delta.grad,) = torch.autograd.grad(value, delta)
        adam.step()
    return best, losses


def _painted(logits: Tensor, target: EditTarget, region: Tensor, removed: bool) -> Tensor:
    """Cross entropy (N,); if asked, pixels that lost their part claim -log(1 - p(old))."""
    log_p = logits.log_softmax(dim=1)
    labels, old = target.labels[region], target.removed[region]
    added = -log_p.gather(1, labels[:, None])[:, 0]
    if not removed:
        return added
    p_old = log_p.gather(1, (old - 1).clamp(min=0)[:, None])[:, 0].exp()
    return torch.where(old > 0, -torch.log((1 - p_old).clamp(min=1e-6)), added)
