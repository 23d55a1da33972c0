"""The segmentation branch (DatasetGAN, Zhang et al. 2021): an ensemble of per-pixel MLPs on the
generator's features.

The published form upsamples all features to the label resolution, concatenates them, and runs each
MLP on each pixel. Here the first linear layer, which commutes with bilinear upsampling, is applied
to each feature map by itself, at its own resolution or at the gathered pixels, whichever is
cheaper; all heads run as one batched operation; and only the pixels asked for are computed. Same
numbers, no tensor of full size and full depth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_CHUNK = 16384  # gathered pixels at a time: bounds memory, not speed
_BUDGET = 2**23  # hidden values at a time when whole maps are computed, likewise


def hidden_sizes(classes: int) -> tuple[int, int]:
    """Widths of the two hidden layers, as published: wider for many classes."""
    return (256, 128) if classes >= 32 else (128, 32)


def sample_at(feature: Tensor, pixels: Tensor, resolution: int) -> Tensor:
    """Bilinear samples of a feature map, as if it had been upsampled to `resolution`.

    feature: (1, C, h, w); pixels: (N,) flat indices into a resolution x resolution map. Returns
    (N, C).
    """
    side = feature.shape[-1]
    if side == resolution:
        return feature[0].flatten(1).t()[pixels]
    y, x = pixels // resolution, pixels % resolution
    grid = (torch.stack([x, y], dim=-1) + 0.5) * (2 / resolution) - 1  # (N, 2), x first
    sampled = F.grid_sample(
        feature, grid[None, None].to(feature.dtype), padding_mode="border", align_corners=False
    )
    return sampled[0, :, 0].t()


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

    def head_logits(self, features: Sequence[Tensor], pixels: Tensor) -> Tensor:
        """Logits of every head at `pixels` (N,), flat indices: (K, N, classes). Batch of one."""
        total = self.bias0
        for feature, weight in zip(features, self.weight0, strict=True):
            total = total + self._first_layer(feature, weight, pixels)  # (N, K * h0)
        x = F.relu(total).reshape(len(pixels), self.heads, -1).transpose(0, 1)  # (K, N, h0)
        x = F.relu(torch.baddbmm(self.bias1, x, self.weight1))
        return torch.baddbmm(self.bias2, x, self.weight2)

    def _first_layer(self, feature: Tensor, weight: Tensor, pixels: Tensor) -> Tensor:
        if feature.shape[-1] * feature.shape[-2] < len(pixels):
            projected = F.conv2d(feature, weight[:, :, None, None])
            return sample_at(projected, pixels, self.resolution)
        return F.linear(sample_at(feature, pixels, self.resolution), weight)

    def map_logits(self, features: Sequence[Tensor]) -> Iterator[Tensor]:
        """Logits at all pixels, a few heads at a time: (k, R * R, classes) each."""
        side, width = self.resolution, self.weight1.shape[1]
        step = max(1, _BUDGET // (width * side * side))
        for first in range(0, self.heads, step):
            some = slice(first, min(first + step, self.heads))
            rows = slice(some.start * width, some.stop * width)
            total = self.bias0[rows][:, None, None]
            for projected in self._projected(features, rows):
                total = total + F.interpolate(
                    projected, size=(side, side), mode="bilinear", align_corners=False
                )
            # Weights from the left: the hidden values (k, width, R * R) need no transposed copy.
            x = F.relu(total).reshape(-1, width, side * side)
            x = F.relu(_dense(x, self.weight1[some], self.bias1[some]))
            yield _dense(x, self.weight2[some], self.bias2[some]).transpose(1, 2)

    def _projected(self, features: Sequence[Tensor], rows: slice) -> Iterable[Tensor]:
        """The first layer at each map's own resolution, added up per resolution: (1, K * h0, h,
        w)."""
        sums: dict[int, Tensor] = {}
        for feature, weight in zip(features, self.weight0, strict=True):
            projected = F.conv2d(feature, weight[rows, :, None, None])
            side = feature.shape[-1]
            sums[side] = sums[side] + projected if side in sums else projected
        return sums.values()

    def logits(self, features: Sequence[Tensor], pixels: Tensor | None = None) -> Tensor:
        """Mean of the heads' logits, (N, classes); all pixels when `pixels` is None."""
        if pixels is None:
            return (
                torch.stack([x.sum(dim=0) for x in self.map_logits(features)]).sum(0) / self.heads
            )
        chunks = [self.head_logits(features, p).mean(dim=0) for p in pixels.split(_CHUNK)]
        return torch.cat(chunks)

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
        p = torch.cat([x.softmax(dim=-1) for x in self.map_logits(features)])  # (K, N, classes)
        spread = _entropy(p.mean(0)) - _entropy(p).mean(0)
        return spread.clamp(min=0).reshape(self.resolution, -1)


def _frozen(weights: Iterable[Tensor]) -> nn.ParameterList:
    return nn.ParameterList(nn.Parameter(weight, requires_grad=False) for weight in weights)


def _dense(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x (k, I, N), weight (k, I, O), bias (k, 1, O) -> (k, O, N)."""
    return torch.baddbmm(bias.transpose(1, 2), weight.transpose(1, 2), x)


def _entropy(p: Tensor) -> Tensor:
    return -(p * p.clamp(min=1e-12).log()).sum(dim=-1)
