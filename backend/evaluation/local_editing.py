"""LocalEditing (Collins et al. 2020), a baseline: style channels of a reference picture are mixed
in where a semantic cluster of the generator's activations is made by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor, nn

from backend.bundles.networks import Networks
from backend.models.generator import Generator

_SIDE = 32  # of the activations that are clustered, as in the paper
_CLUSTERS = 20
_BUDGET = 0.05  # of all activation outside the cluster: what a transfer may change there
_BATCH = 8


@dataclass(frozen=True, eq=False)
class Style:
    """One modulated convolution: what gives its style, and which feature the style scales."""

    affine: nn.Module
    feature: int


def styles_of(generator: Generator) -> list[Style]:
    """Every style of a generator. A style scales the channels that its convolution reads."""
    found, index = [], 0
    blocks: list[Any] = list(generator.blocks)
    for block in blocks:
        for conv in block.convolutions:
            found.append(Style(conv.affine, index))
            index += 1
        found.append(Style(block.to_rgb.affine, index))
    return found


def channel_weights(inside: Tensor, outside: Tensor, budget: float) -> Tensor:
    """How much of each style channel is taken from the reference, 0..1 (C,).

    As much as possible of the activation inside the cluster, (C,), while what they change outside,
    (C,), costs no more than the budget: a linear programme, which taking the channels with the best
    ratio first solves (section 3.2 of the paper).
    """
    order = (inside / outside.clamp(min=1e-12)).argsort(descending=True)
    cost = outside[order]
    spent = cost.cumsum(0) - cost
    weights = torch.zeros_like(inside)
    weights[order] = ((budget - spent) / cost.clamp(min=1e-12)).clamp(0, 1)
    return weights


class LocalEditing:
    """Clusters of a generator's activations, and how much each channel contributes to one of
    them."""

    def __init__(self, networks: Networks, codes: Tensor, parts: Sequence[int]) -> None:
        """codes (N, n_ws, w_dim): of the pictures whose activations are clustered; parts: label
        values of the region that edits are about. The cluster is the one that fits it best."""
        self._generator = networks.generator
        self._styles = styles_of(networks.generator)
        maps, chosen, labels = [], [], []
        for some in codes.split(_BATCH):
            with torch.no_grad():
                features = networks.generator(some)[1]
            maps.append([f.square() for f in features])
            chosen.append(self._clustered(features))
            rows = range(len(some))
            labels += [networks.segmentation.labels([f[i : i + 1] for f in features]) for i in rows]
        wanted = _regions(torch.stack(labels), parts)
        members, self.agreement = _best_cluster(torch.cat(chosen), wanted)
        shares = [_inside_outside(torch.cat(layer), members) for layer in zip(*maps, strict=True)]
        self._weights = [channel_weights(*shares[style.feature], _BUDGET) for style in self._styles]

    def _clustered(self, features: Sequence[Tensor]) -> Tensor:
        """The activations that are clustered, of unit length: (B, C, _SIDE, _SIDE)."""
        side = min(_SIDE, features[-1].shape[-1])
        return F.normalize([f for f in features if f.shape[-1] == side][-1], dim=1)

    @torch.no_grad()
    def edited(self, w_plus: Tensor, reference: Tensor) -> Tensor:
        """The picture (1, 3, R, R) of w_plus (1, n_ws, w_dim), with the cluster's styles of the
        reference's code."""
        with _recorded(self._styles) as theirs:
            self._generator(reference)
        with _mixed(self._styles, self._weights, theirs):
            picture: Tensor = self._generator(w_plus)[0]
        return picture


def _regions(labels: Tensor, parts: Sequence[int]) -> Tensor:
    """Where labels (N, L, L) are one of the parts, as shares of cells: (N, _SIDE, _SIDE)."""
    inside = torch.isin(labels.long(), torch.tensor(list(parts), device=labels.device)).float()
    return F.adaptive_avg_pool2d(inside, _SIDE)


def _best_cluster(activations: Tensor, wanted: Tensor) -> tuple[Tensor, float]:
    """Membership (N, side, side), 0 or 1, of the cluster that overlaps best with `wanted`, and that
    overlap: intersection over union. Spherical k-means: the activations are of unit length."""
    count, _, side, _ = activations.shape
    rows = activations.permute(0, 2, 3, 1).flatten(0, 2).cpu().numpy()
    clusters = min(_CLUSTERS, len(rows))
    means = MiniBatchKMeans(clusters, random_state=0, n_init=3, batch_size=4096).fit(rows)
    numbers: NDArray[np.int32] = means.labels_
    inside = F.adaptive_avg_pool2d(wanted, side).flatten().cpu().numpy()
    overlaps = []
    for cluster in range(clusters):
        own = numbers == cluster
        both = float(inside[own].sum())
        overlaps.append(both / max(own.sum() + inside.sum() - both, 1e-9))
    best = int(np.argmax(overlaps))
    members = torch.from_numpy((numbers == best).astype(np.float32)).to(activations.device)
    return members.view(count, side, side), overlaps[best]


def _inside_outside(energy: Tensor, members: Tensor) -> tuple[Tensor, Tensor]:
    """Of squared activations (N, C, H, W): each channel's share of its own that lies inside the
    cluster, (C,), and outside as a share of all channels' activation outside, (C,)."""
    side = energy.shape[-1]
    if side < members.shape[-1]:
        inside = F.adaptive_avg_pool2d(members, side)
    else:
        inside = F.interpolate(members[:, None], side, mode="nearest")[:, 0]
    own = torch.einsum("nchw,nhw->c", energy, inside)
    rest = energy.sum(dim=(0, 2, 3)) - own
    return own / (own + rest).clamp(min=1e-12), rest / rest.sum().clamp(min=1e-12)


@contextmanager
def _recorded(styles: Sequence[Style]) -> Iterator[list[Tensor]]:
    """Every style that the generator computes meanwhile."""
    found: list[Tensor] = []

    def keep(module: nn.Module, given: object, made: Tensor) -> None:
        found.append(made)

    hooks = [style.affine.register_forward_hook(keep) for style in styles]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _mixed(
    styles: Sequence[Style], weights: Sequence[Tensor], theirs: Sequence[Tensor]
) -> Iterator[None]:
    """Meanwhile each style moves towards the reference's by its channels' weights."""
    hooks = [
        style.affine.register_forward_hook(
            lambda module, given, own, q=q, other=other: own + q * (other - own)
        )
        for style, q, other in zip(styles, weights, theirs, strict=True)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
