"""The segmentation branch (DatasetGAN, Zhang et al. 2021): an ensemble of per-pixel MLPs on the
generator's features.

The published form upsamples all features to the label resolution, concatenates them, and runs each
MLP on each pixel. Here the first linear layer, which commutes with bilinear upsampling, is applied
to each feature map by itself, at its own resolution. Same numbers, no tensor of full size and full
depth. `pixel_logits` does it for a few pixels, and carries gradients back.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.models.runtime.matmul import add_matmul, matmul
from backend.models.segmentation.pixel_reader import as_rows
from backend.models.segmentation.upsampling import DenseUpsampling, Upsampling, upsampling

Maps = dict[int, Tensor]  # by side: features (side * side, C), or weights (units, C)

_ROWS = 16  # of pixels at a time on a CPU: more hidden values would not fit into caches


def hidden_sizes(classes: int) -> tuple[int, int]:
    """Widths of the two hidden layers, as published: wider for many classes."""
    return (256, 128) if classes >= 32 else (128, 32)


class SegmentationBranch(nn.Module):
    """Ensemble of K three-layer MLPs (Linear, ReLU, Linear, ReLU, Linear), batch norm folded in.

    feature_channels: channels of each feature map that the generator returns, in order.
    resolution: side of the label map, at most 512 whatever the generator's size.
    """

    def __init__(
        self, feature_channels: Sequence[int], classes: int, resolution: int, heads: int = 10
    ) -> None:
        super().__init__()
        self.classes, self.heads = classes, heads
        self.resolution = min(resolution, 512)
        h0, h1 = hidden_sizes(classes)
        self.weight0 = nn.ParameterList(
            nn.Parameter(torch.zeros(heads * h0, c)) for c in feature_channels
        )
        self.bias0 = nn.Parameter(torch.zeros(heads * h0))
        self.weight1 = nn.Parameter(torch.zeros(heads, h0, h1))
        self.bias1 = nn.Parameter(torch.zeros(heads, 1, h1))
        self.weight2 = nn.Parameter(torch.zeros(heads, h1, classes))
        self.bias2 = nn.Parameter(torch.zeros(heads, 1, classes))
        self._upsamplings: dict[object, Upsampling | DenseUpsampling] = {}

    def lighter(self, heads: int, resolution: int) -> SegmentationBranch:
        """A branch of the first `heads` MLPs, for label maps of at most `resolution` pixels a side.

        Shares this one's weights. Coarser and less sure, but a fraction of the work.
        """
        heads, width = min(heads, self.heads), self.weight1.shape[1]
        channels = [weight.shape[1] for weight in self.weight0]
        small = SegmentationBranch(channels, self.classes, min(resolution, self.resolution), heads)
        rows = heads * width
        small.weight0 = _frozen(weight[:rows] for weight in self.weight0)
        small.bias0 = nn.Parameter(self.bias0[:rows], requires_grad=False)
        for name in ("weight1", "bias1", "weight2", "bias2"):
            setattr(small, name, nn.Parameter(getattr(self, name)[:heads], requires_grad=False))
        return small

    def map_logits(self, features: Sequence[Tensor]) -> Iterator[Tensor]:
        """Logits at all pixels, one head at a time: (R * R, classes) each. Batch of one;
        without gradients."""
        features = [self._no_larger(f) for f in features]
        sides = [f.shape[-1] for f in features]
        maps = by_side(sides, [as_rows(f) for f in features])
        weights, width = by_side(sides, self.weight0), self.weight1.shape[1]
        upsample = self._upsampling(tuple(maps), features[0].device)
        for head in range(self.heads):
            units = slice(head * width, (head + 1) * width)
            own = {side: weight[units] for side, weight in weights.items()}
            yield self._logits_of(head, maps, own, upsample)

    def _upsampling(
        self, sides: tuple[int, ...], device: torch.device
    ) -> Upsampling | DenseUpsampling:
        """Of the maps that have fewer pixels than the labels. Kept as long as the branch: what a
        GPU has recorded reads it again."""
        key = sides, self.resolution, device
        if key not in self._upsamplings:
            small = [side for side in sides if side != self.resolution]
            self._upsamplings[key] = upsampling(small, self.resolution, device)
        return self._upsamplings[key]

    def _no_larger(self, feature: Tensor) -> Tensor:
        """A feature map of at most the labels' resolution: what is larger is reduced once, not the
        products of each head."""
        if feature.shape[-1] <= self.resolution:
            return feature
        return F.interpolate(feature, self.resolution, mode="bilinear", align_corners=False)

    def _logits_of(
        self, head: int, maps: Maps, weights: Maps, upsample: Upsampling | DenseUpsampling
    ) -> Tensor:
        """One head's logits (R * R, classes), some rows of pixels at a time; weights: its own, by
        side."""
        size, width = self.resolution, self.weight1.shape[1]
        bias = self.bias0[head * width : (head + 1) * width]
        sides = [side for side in maps if side != size]
        # The bias is in the sum once.
        small = [matmul(maps[s], weights[s], bias if s == sides[0] else None) for s in sides]
        wide, logits = upsample.widened(small), []
        step = size if bias.is_cuda else _ROWS
        for top in range(0, size, step):
            hidden = upsample.rows(wide, top, top + step).view(-1, width)
            if size in maps:  # it has a value at each pixel: nothing to interpolate
                add_matmul(hidden, maps[size][top * size : (top + step) * size], weights[size])
            logits.append(self._after_first_layer(head, hidden.relu_()))
        return torch.cat(logits)

    def _after_first_layer(self, head: int, x: Tensor) -> Tensor:
        """Logits of one head from its first hidden values, (N, h0) -> (N, classes)."""
        x = F.relu_(matmul(x, self.weight1[head].t(), self.bias1[head, 0]))
        return matmul(x, self.weight2[head].t(), self.bias2[head, 0])

    def logits(self, features: Sequence[Tensor]) -> Tensor:
        """Mean of the heads' logits at all pixels, (R * R, classes). Batch of one."""
        return functools.reduce(torch.add, self.map_logits(features)) / self.heads

    @torch.no_grad()
    def probabilities(self, features: Sequence[Tensor]) -> Tensor:
        """Softmax of the mean logits as a map, (classes, R, R)."""
        logits = self.logits(features)
        return logits.softmax(dim=-1).t().reshape(self.classes, self.resolution, -1)

    @torch.no_grad()
    def labels(self, features: Sequence[Tensor]) -> Tensor:
        """Most probable class per pixel, uint8 (R, R)."""
        return self.logits(features).argmax(dim=-1).byte().reshape(self.resolution, -1)

    @torch.no_grad()
    def uncertainty(self, features: Sequence[Tensor]) -> Tensor:
        """Disagreement of the heads: Jensen-Shannon divergence in nats, (R, R), 0 to
        log(classes)."""
        p = torch.stack([x.softmax(dim=-1) for x in self.map_logits(features)])  # (K, N, classes)
        spread = _entropy(p.mean(0)) - _entropy(p).mean(0)
        return spread.clamp(min=0).reshape(self.resolution, -1)


def _frozen(weights: Iterable[Tensor]) -> nn.ParameterList:
    return nn.ParameterList(nn.Parameter(weight, requires_grad=False) for weight in weights)


def by_side(sides: Iterable[int], matrices: Iterable[Tensor]) -> dict[int, Tensor]:
    """Matrices (rows, C), one for each feature map, joined where the maps have the same side."""
    found: dict[int, list[Tensor]] = {}
    for side, matrix in zip(sides, matrices, strict=True):
        found.setdefault(side, []).append(matrix)
    return {side: torch.cat(some, dim=1) for side, some in found.items()}


def _entropy(p: Tensor) -> Tensor:
    return -(p * p.clamp(min=1e-12).log()).sum(dim=-1)
