"""Giving W one meaning for all layers, after reconstruction has trained each layer's codes alone.

As an autoencoder, encoder and generator settle on a basis of their own for each layer, so that one
w for all layers means nothing and the mapping network has nothing to learn. The principal
components of the concatenated codes of real pictures are such a shared w. The change of basis is
linear: the generator's affine layers and the encoder's heads absorb it, and reconstructions stay as
they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.models.codes import principal_components
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.layers import EqualLinear

_FLOOR = 0.01  # of the mean variance: keeps directions that hardly occur from being blown up
_RIDGE = 1e-3


@dataclass(frozen=True, eq=False)
class SharedBasis:
    """w_i = mean_i + v_i @ synthesis_i for the new code v; v_i = (flat w - mean) @ analysis_i."""

    mean: Tensor  # (n_ws, w_dim)
    synthesis: Tensor  # (n_ws, w_dim, w_dim)
    analysis: Tensor  # (n_ws, n_ws * w_dim, w_dim)
    explained: float  # share of the codes' variance that one shared w holds


def find_shared_basis(codes: Tensor) -> SharedBasis:
    """The basis from codes of real pictures, (N, n_ws, w_dim) with N well above w_dim."""
    n_ws, w_dim = codes.shape[1:]
    # mean: (n_ws * w_dim,); components: (w_dim, n_ws * w_dim)
    mean, components, variance, explained = principal_components(codes.flatten(1), w_dim)
    scale = (variance + _FLOOR * variance.mean()).sqrt()
    synthesis = (components * scale[:, None]).unflatten(1, (n_ws, w_dim)).transpose(0, 1)
    to_shared = components.t() / scale  # (n_ws * w_dim, w_dim)
    return SharedBasis(
        mean=mean.unflatten(0, (n_ws, w_dim)).float(),
        synthesis=synthesis.contiguous().float(),
        analysis=_analysis(to_shared, synthesis).float(),
        explained=explained,
    )


def _analysis(to_shared: Tensor, synthesis: Tensor) -> Tensor:
    """Each layer's own remainder goes on top of the shared code, by ridge regression."""
    n_ws, w_dim, _ = synthesis.shape
    maps = []
    for i, matrix in enumerate(synthesis):
        gram = matrix @ matrix.t()
        ridge = _RIDGE * gram.diagonal().mean() * torch.eye(w_dim, dtype=gram.dtype)
        inverse = matrix.t() @ torch.linalg.inv(gram + ridge)  # e -> v with v @ matrix ~ e
        own = torch.zeros(n_ws * w_dim, w_dim, dtype=gram.dtype)
        own[i * w_dim : (i + 1) * w_dim] = inverse
        maps.append(to_shared - to_shared @ matrix @ inverse + own)
    return torch.stack(maps)


@torch.no_grad()
def rebase(generator: Generator, encoder: Encoder, basis: SharedBasis) -> None:
    """Fold the change of basis into both networks; w_avg must be zero, as in training."""
    index = 0
    for block in generator.synthesis:
        for conv in block.convolutions:
            _rebase_affine(conv.affine, basis, index)
            index += 1
        _rebase_affine(block.to_rgb.affine, basis, index)
    heads, n = encoder.heads, len(basis.mean)
    weight = torch.einsum("nfv,fi->nvi", basis.analysis, heads.weight)  # f: flat old code
    bias = torch.einsum("nfv,f->nv", basis.analysis, heads.bias - basis.mean.flatten())
    heads.weight.copy_(weight.reshape(n * weight.shape[1], -1))
    heads.bias.copy_(bias.flatten())


def _rebase_affine(affine: EqualLinear, basis: SharedBasis, index: int) -> None:
    weight = affine.weight * affine.weight_gain
    affine.bias.add_(basis.mean[index] @ weight.t() / affine.bias_gain)
    affine.weight.copy_(weight @ basis.synthesis[index].t() / affine.weight_gain)
