"""One step of EditGAN's optimisation exactly as published, written for clarity instead of speed.

Every feature map of the generator is upsampled to the label resolution, all are concatenated, ten
separate MLPs read the region's pixels, and every loss is computed anew in each step (paper section
3.3, eqs. 2-5, and section 3.2 for the segmentation branch). The engine must give the same loss and
the same gradient; `edit_step.py` measures what the difference in form is worth.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.bundles.networks import Networks
from backend.editing.objective import EditTarget, Weights, at_resolution
from backend.models.perceptual import feature_distance
from backend.models.segmentation import SegmentationBranch


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


def segment(heads: Sequence[nn.Module], features: Sequence[Tensor], region: Tensor) -> Tensor:
    """Mean logits (N, classes) at the pixels of region, bool (L, L)."""
    upsampled = [
        F.interpolate(f, size=tuple(region.shape), mode="bilinear", align_corners=False)
        for f in features
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
    weights: Weights,
) -> Tensor:
    """L_editing (eq. 5) at w_plus (1, n_ws, w_dim), against G(w+) before the edit (1, 3, R, R)."""
    image, features = networks.generator(w_plus)
    region = target.region & target.valid
    # Eq. 2: outside the region the picture stays as it was.
    outside = at_resolution(~target.region & target.valid, image.shape[-1])
    new, old = networks.perceptual, before * outside
    distance = feature_distance(new.features(image * outside), new.features(old)).sum()
    total = weights.rgb * weights.lpips * new.scale * distance
    total = total + weights.rgb * weights.l2 * F.mse_loss(image * outside, old)
    # Eq. 3: inside, it takes the painted parts.
    logits = segment(heads, features, region)
    counts = torch.where(target.changed[region], weights.changed, 1.0)
    painted = _painted(logits, target, region)
    total = total + weights.cross_entropy * (counts * painted).sum() / counts.sum()
    # Eq. 4: the person stays the same.
    if networks.identity is not None:
        alike = (networks.identity.embed(image) * networks.identity.embed(before)).sum()
        total = total + weights.identity * (1 - alike)
    return total


def _painted(logits: Tensor, target: EditTarget, region: Tensor) -> Tensor:
    """Cross entropy (N,); pixels that lost their part and gained none claim -log(1 - p(old))."""
    log_p = logits.log_softmax(dim=1)
    labels, lost = target.labels[region], target.lost[region]
    gained = -log_p.gather(1, labels[:, None])[:, 0]
    p_old = log_p.gather(1, (lost - 1).clamp(min=0)[:, None])[:, 0].exp()
    return torch.where(lost > 0, -torch.log((1 - p_old).clamp(min=1e-6)), gained)
