"""Where samples come from in a generator that was trained together with its encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CodeDistribution(nn.Module):
    """The normal distribution of photos' codes in W+, by its first principal components.

    Such a generator has seen the encoder's codes only, one w for each layer. A mapping network
    gives all layers the same w, and those pictures are blurred and alike.

    mean: (n_ws, w_dim). basis: (z_dim, n_ws, w_dim), components as long as their standard
    deviations.
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, mean: Tensor, basis: Tensor) -> None:
        super().__init__()
        self.mean: Tensor
        self.basis: Tensor
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis)

    def forward(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """z (B, z_dim), standard normal -> w_plus (B, n_ws, w_dim), pulled towards the mean by
        `truncation` (psi)."""
        return self.mean + truncation * torch.einsum("bz,znw->bnw", z, self.basis)


def fit_codes(codes: Tensor, z_dim: int) -> tuple[CodeDistribution, float]:
    """The distribution of codes (N, n_ws, w_dim), and the share of their variance that it holds."""
    n_ws, w_dim = codes.shape[1:]
    mean, components, variance, held = principal_components(codes.flatten(1), z_dim)
    basis = components * variance.sqrt()[:, None]
    found = CodeDistribution(
        mean.unflatten(0, (n_ws, w_dim)).float(), basis.unflatten(1, (n_ws, w_dim)).float()
    )
    return found, held


def principal_components(rows: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor, float]:
    """Of rows (N, D), in double precision and without chance: their mean (D,), the first
    components (count, D), of unit length, their variances (count,), largest first, and the share of
    all variance that these are."""
    rows = rows.double()
    values, vectors = torch.linalg.eigh(torch.cov(rows.t()))  # ascending
    variance = values.flip(0)[:count].clamp(min=0)
    share = float(variance.sum() / values.sum())
    return rows.mean(dim=0), vectors.flip(1)[:, :count].t(), variance, share
