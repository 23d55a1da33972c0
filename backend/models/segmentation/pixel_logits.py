"""The segmentation branch at a few fixed pixels, for every step of an optimisation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from backend.models.runtime.matmul import add_matmul, matmul
from backend.models.segmentation.branch import SegmentationBranch, by_side
from backend.models.segmentation.pixel_reader import PixelReader

_AT_A_TIME = 2**21  # hidden values at a time: more would not fit into caches
_ON_A_GPU = 2**29  # which wants few and large pieces of work


class PixelLogits:
    """Mean of the heads' logits at N pixels, prepared to be read again and again, in float32.

    The same numbers as the branch's own. Differentiable in the features, once: weights are fixed.
    """

    def __init__(self, branch: SegmentationBranch, pixels: Tensor, sides: Sequence[int]) -> None:
        """pixels: (N,) flat indices into the label map; sides: of the feature maps, in order."""
        self.reader = PixelReader(pixels, branch.resolution, sides)
        # What is not coarse has a row for each pixel: such maps are joined into one.
        self._sides = [s if s in self.reader.coarse else branch.resolution for s in sides]
        self._weight0 = {s: w.detach() for s, w in by_side(self._sides, branch.weight0).items()}
        self._back0 = {side: _transposed(weight) for side, weight in self._weight0.items()}
        self._bias0 = branch.bias0.detach()
        self._width = branch.weight1.shape[1]
        # Both ways round, so that a product's weight lies in one piece forwards and backwards.
        self.back1, self.back2 = branch.weight1.detach(), branch.weight2.detach()
        self.weight1, self.weight2 = _transposed(self.back1), _transposed(self.back2)
        self.bias1, self.bias2 = branch.bias1.detach()[:, 0], branch.bias2.detach()[:, 0]
        most = _ON_A_GPU if pixels.is_cuda else _AT_A_TIME
        step = max(1, most // (self._width * max(1, len(pixels))))
        self.groups = [range(branch.heads)[k : k + step] for k in range(0, branch.heads, step)]

    def __call__(self, features: Sequence[Tensor]) -> Tensor:
        """The generator's features, (1, C, h, w) each -> (N, classes)."""
        maps = by_side(self._sides, [self.reader.read(feature) for feature in features])
        with torch.autocast(features[0].device.type, enabled=False):
            return _MeanLogits.apply(  # type: ignore[no-untyped-call]
                self, *(maps[side].float() for side in self._weight0)
            )

    def first_layer(self, heads: range, maps: Sequence[Tensor]) -> Tensor:
        """The first hidden values of some heads, (N, k * h0), from one map for each side."""
        units, by = self._units(heads), dict(zip(self._weight0, maps, strict=True))
        # Small maps are projected as they are, then interpolated.
        coarse = [matmul(by.pop(s), self._weight0[s][units]) for s in self.reader.coarse]
        hidden = self.reader.interpolate(coarse, self._bias0[units])
        for side, rows in by.items():
            add_matmul(hidden, rows, self._weight0[side][units])
        return hidden.relu_()

    def back_through_first_layer(
        self, groups: Iterable[tuple[range, Tensor]], shapes: Sequence[torch.Size]
    ) -> list[Tensor]:
        """The gradients of the maps, of `shapes`, from those of the groups' (N, k * h0)."""
        found = dict(zip(self._weight0, map(self._bias0.new_zeros, shapes), strict=True))
        coarse = self._bias0.new_empty(self.reader.places, len(self._bias0))
        for heads, gradient in groups:
            units = self._units(heads)
            coarse[:, units] = self.reader.spread(gradient)
            for side in found.keys() - set(self.reader.coarse):
                add_matmul(found[side], gradient, self._back0[side][:, units])
        # One product for all heads: small ones, head by head, are slow.
        for side, rows in self.reader.by_coarse_side(coarse).items():
            found[side] = matmul(rows, self._back0[side])
        return list(found.values())

    def each(self, heads: range, hidden: Tensor) -> list[tuple[int, Tensor]]:
        """Some heads and their own columns (N, h0) of hidden, (N, k * h0)."""
        return list(zip(heads, hidden.split(self._width, dim=1), strict=True))

    def _units(self, heads: range) -> slice:
        return slice(heads.start * self._width, heads.stop * self._width)


class _MeanLogits(torch.autograd.Function):
    """The heads with their gradient, which overwrites the hidden values that it needs: autograd
    would take new memory for each, and copy transposed ones."""

    @staticmethod
    def forward(ctx: Any, at: PixelLogits, *maps: Tensor) -> Tensor:
        total = at.bias2.sum(dim=0).repeat(at.reader.count, 1)  # (N, classes)
        ctx.at, ctx.kept, ctx.shapes = at, [], [x.shape for x in maps]
        for heads in at.groups:
            hidden, seconds = at.first_layer(heads, maps), []
            for head, own in at.each(heads, hidden):
                seconds.append(matmul(own, at.weight1[head], at.bias1[head]).relu_())  # (N, h1)
                add_matmul(total, seconds[-1], at.weight2[head])
            ctx.kept.append((heads, hidden, seconds))
        return total.div_(len(at.weight2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        grad = grad / len(ctx.at.weight2)
        back = _back_to_first_layer(ctx.at, ctx.kept, grad)
        return None, *ctx.at.back_through_first_layer(back, ctx.shapes)


def _back_to_first_layer(
    at: PixelLogits, kept: list[tuple[range, Tensor, list[Tensor]]], grad: Tensor
) -> Iterator[tuple[range, Tensor]]:
    """For every group of heads that was kept, the gradient of its first hidden values before
    their ReLU; from that of the heads' logits, (N, classes)."""
    while kept:
        heads, hidden, seconds = kept.pop()
        for (head, own), second in zip(at.each(heads, hidden), seconds, strict=True):
            _through_relu(matmul(grad, at.back2[head]), second)
            _through_relu(matmul(second, at.back1[head]), own)
        yield heads, hidden


def _transposed(weight: Tensor) -> Tensor:
    """The last two dimensions swapped, in memory too."""
    return weight.transpose(-1, -2).contiguous()


def _through_relu(gradient: Tensor, values: Tensor) -> None:
    """Overwrite a ReLU's values with the gradient of what went in."""
    torch.ops.aten.threshold_backward.grad_input(gradient, values, 0, grad_input=values)
