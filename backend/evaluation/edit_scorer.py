"""What is measured of a set of edited pictures: attribute, identity, distance to real photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.evaluation.distances import (
    FeatureSpace,
    features_of,
    frechet_distance,
    kernel_distance,
)
from backend.evaluation.smile import SmileScorer
from backend.models.identity import IdentityNetwork
from backend.models.pictures import to_float

Crops = Sequence[NDArray[np.uint8]]  # [R, R, 3] each


@dataclass(frozen=True)
class Scores:
    """Of N pictures. attribute_accuracy: share that is called smiling; attribute_score: mean
    probability of a smile; identity: mean cosine similarity to the photos before the edit;
    frechet, kernel: distances to other photos, in the judge's feature space; second_...: what a
    second scorer says."""

    attribute_accuracy: float
    attribute_score: float
    identity: float | None
    frechet: float
    kernel: float
    second_accuracy: float | None = None
    second_score: float | None = None


class EditScorer:
    """Scores sets of crops at the generator's resolution. Holds the real photos' features."""

    def __init__(
        self,
        scorer: SmileScorer,
        identity: IdentityNetwork | None,
        space: FeatureSpace,
        real: Crops,
        device: torch.device,
        second: SmileScorer | None = None,
    ) -> None:
        self.scorer, self._identity, self._second = scorer, identity, second
        self.space, self._device = space, device
        self.identity_network = identity.name if identity is not None else None
        self._real = features_of(space, real, device)

    def scores(self, edited: Crops, originals: Crops) -> Scores:
        """edited and originals belong together one by one."""
        smiles = self.scorer.score(edited)
        again = self._second.score(edited) if self._second else None
        found = features_of(self.space, edited, self._device)
        return Scores(
            attribute_accuracy=float(np.mean(smiles > 0.5)),
            attribute_score=float(np.mean(smiles)),
            identity=self.identity(edited, originals),
            frechet=frechet_distance(found, self._real),
            kernel=kernel_distance(found, self._real),
            second_accuracy=None if again is None else float(np.mean(again > 0.5)),
            second_score=None if again is None else float(np.mean(again)),
        )

    def identity(self, edited: Crops, originals: Crops) -> float | None:
        """Mean cosine similarity; None without an identity network."""
        network = self._identity
        if network is None:
            return None
        pairs = zip(edited, originals, strict=True)
        return float(np.mean([alike(network, a, b, self._device) for a, b in pairs]))


@torch.no_grad()
def alike(
    network: IdentityNetwork, a: NDArray[np.uint8], b: NDArray[np.uint8], device: torch.device
) -> float:
    """Cosine similarity of two aligned crops, uint8 [R, R, 3]."""

    def embedded(crop: NDArray[np.uint8]) -> Tensor:
        picture = torch.from_numpy(crop).permute(2, 0, 1)[None].to(device)
        return network.embed(to_float(picture))

    return float((embedded(a) * embedded(b)).sum())
