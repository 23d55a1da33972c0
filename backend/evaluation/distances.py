"""Distances between sets of pictures: FID and KID, or the same on a small network's features.

torch-fidelity computes both. Only Inception's features (Heusel et al. 2017, Binkowski et al. 2018)
give what the field calls FID and KID; on any other features the distances carry the network's name.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

from backend.errors import BadBundle
from backend.models.perceptual import PerceptualNetwork
from backend.models.pictures import to_float

_BATCH = 16
_SUBSETS = 100  # of the larger set, each as large as the smaller one


class FeatureSpace(Protocol):
    """Names of its two distances, and pictures (B, 3, S, S), uint8, to features (B, D)."""

    frechet_name: str
    kernel_name: str

    def features(self, pictures: Tensor) -> Tensor: ...


class InceptionSpace:
    """Inception V3 as torch-fidelity has it; its weights (a PyTorch state dict) given by path."""

    frechet_name, kernel_name = "FID", "KID"

    def __init__(self, weights: Path, device: torch.device) -> None:
        try:
            # The library unpickles without asking: nothing but tensors may get that far.
            state = torch.load(weights, weights_only=True, map_location="cpu")
            if not isinstance(state, dict) or "fc.weight" not in state:
                raise ValueError("it holds no Inception V3")
            network = FeatureExtractorInceptionV3("inception", ["2048"], str(weights))
        except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
            reason = str(error).splitlines()[0]
            raise BadBundle(
                f"{weights} holds no Inception V3 weights that torch-fidelity can read ({reason})."
            ) from error
        self._network: nn.Module = network.to(device)

    def features(self, pictures: Tensor) -> Tensor:
        found: Tensor = self._network(pictures)[0]
        return found


class PerceptualSpace:
    """The deepest features of the bundle's perceptual network, averaged over the picture.

    They come at unit length; times the root of their number, each is about 1, as in Inception.
    """

    def __init__(self, network: PerceptualNetwork) -> None:
        self._network = network
        short = network.name.split(" (")[0]
        self.frechet_name = f"{short} Fréchet distance"
        self.kernel_name = f"{short} kernel distance"

    def features(self, pictures: Tensor) -> Tensor:
        deepest = self._network.features(to_float(pictures))[-1]  # (B, D, h, w)
        return deepest.mean(dim=(2, 3)) * deepest.shape[1] ** 0.5


@torch.no_grad()
def features_of(
    space: FeatureSpace, pictures: Sequence[NDArray[np.uint8]], device: torch.device
) -> Tensor:
    """uint8 [S, S, 3] each -> float64 (N, D), on the CPU."""
    found = []
    for start in range(0, len(pictures), _BATCH):
        batch = torch.from_numpy(np.stack(pictures[start : start + _BATCH]))
        found.append(space.features(batch.permute(0, 3, 1, 2).to(device)).double().cpu())
    return torch.cat(found)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Between Gaussians fitted to features (N, D) and (M, D), N and M at least 2."""
    statistics = [fid_features_to_statistics(features) for features in (a, b)]
    distance: float = fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]
    return distance


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Squared maximum mean discrepancy with KID's cubic kernel, unbiased; may be below zero."""
    size = min(len(a), len(b))
    found = kid_features_to_metric(
        a, b, kid_subsets=_SUBSETS, kid_subset_size=size, verbose=False, rng_seed=0
    )
    distance: float = found[KEY_METRIC_KID_MEAN]
    return distance
