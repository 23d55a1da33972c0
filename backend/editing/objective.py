"""The editing objective (paper eqs. 2-5)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.bundles.networks import Networks
from backend.errors import BadSetting
from backend.models.perceptual import feature_distance
from backend.models.segmentation.pixel_logits import PixelLogits


@dataclass(frozen=True)
class Weights:
    """Lambdas of eq. 5 and the parts of eq. 2: rgb (lpips LPIPS + l2 L2) + CE + identity.

    The official release has rgb = 15 in its one configuration, a car of 512 pixels. Here it is 3:
    the photo outside r comes from the photo anyway, and at 64 pixels 15 holds the parts themselves
    in place.
    identity applies where the bundle has an identity network (faces). changed says how many times
    a pixel whose part changes counts in CE (1 in the paper): most of r keeps its parts, and where
    the branch is unsure of those their losses drown the few pixels that were painted.
    """

    rgb: float = 3.0
    lpips: float = 10.0
    l2: float = 5.0
    cross_entropy: float = 1.0
    identity: float = 1.0
    changed: float = 3.0

    @classmethod
    def named(cls, values: Mapping[str, float]) -> Weights:
        """The usual weights, but for those given by name; raises BadSetting for others, and for
        values that are negative or no numbers."""
        known = [field.name for field in fields(cls)]
        for name, value in values.items():
            if name not in known:
                raise BadSetting(
                    f"There is no weight '{name}'; the weights are {', '.join(known)}."
                )
            if not (math.isfinite(value) and value >= 0):
                raise BadSetting(f"The weight '{name}' cannot be {value}; give a number from 0 up.")
        return cls(**values)


@dataclass(frozen=True, eq=False)
class EditTarget:
    """What an edit should become, at label resolution L.

    labels: int64 (L, L), y_edited; region: bool (L, L), r of eq. 1; changed: bool (L, L), pixels
    that shall not stay what they were; lost: int64 (L, L), the old part + 1 at pixels that lost
    their part and gained none, else 0; valid: bool (L, L), the photo.
    """

    labels: Tensor
    region: Tensor
    changed: Tensor
    lost: Tensor
    valid: Tensor


def at_resolution(mask: Tensor, resolution: int) -> Tensor:
    """A boolean (L, L) map as float (1, 1, R, R), nearest neighbour."""
    return F.interpolate(mask[None, None].float(), size=(resolution, resolution), mode="nearest")


class EditObjective:
    """L_editing of eq. 5 for one edit; everything that does not depend on delta is computed
    once."""

    def __init__(
        self,
        networks: Networks,
        before: Tensor,
        target: EditTarget,
        weights: Weights,
        inside: Tensor | None = None,
    ) -> None:
        """before: the photo's reconstruction G(w+), (1, 3, R, R): RGB outside r stays as it is
        there. inside: what r itself shall look like, (1, 3, R, R); None leaves that free."""
        self.networks, self.weights = networks, weights
        self.outside = at_resolution(~target.region & target.valid, before.shape[-1]).to(before)
        self.kept = before * self.outside
        if inside is not None:
            within = at_resolution(target.region & target.valid, before.shape[-1]).to(before)
            self.kept = self.kept + inside * within
            self.outside = self.outside + within
        region = (target.region & target.valid).flatten()
        lost = target.lost.flatten()
        pixels = region.nonzero()[:, 0]  # (N,)
        self.labels = target.labels.flatten()[pixels]
        self.lost = lost[pixels]
        counts = torch.where(target.changed.flatten()[pixels], weights.changed, 1.0)
        self.shares = counts / counts.sum().clamp(min=1e-9)  # (N,)
        sides = networks.generator.config.feature_sides
        self.logits = PixelLogits(networks.segmentation, pixels, sides)
        with torch.no_grad():
            self.kept_features = networks.perceptual.features(self.kept)
            self.person = self._embed(before)

    def _embed(self, image: Tensor) -> Tensor | None:
        identity = self.networks.identity
        return None if identity is None or not self.weights.identity else identity.embed(image)

    def terms(self, image: Tensor, features: Sequence[Tensor]) -> dict[str, Tensor]:
        """The weighted terms for G(w+ + delta) = image (1, 3, R, R) and its features."""
        weights, perceptual = self.weights, self.networks.perceptual
        outside = image * self.outside
        distance = feature_distance(perceptual.features(outside), self.kept_features).sum()
        terms = {
            "lpips": weights.rgb * weights.lpips * perceptual.scale * distance,
            "l2": weights.rgb * weights.l2 * F.mse_loss(outside, self.kept),
        }
        if len(self.labels):
            terms["cross_entropy"] = weights.cross_entropy * self.cross_entropy(features)
        if self.person is not None:
            alike = (self._embed(image) * self.person).sum()
            terms["identity"] = weights.identity * (1 - alike)  # eq. 4 with the sign it needs
        return terms

    def cross_entropy(self, features: Sequence[Tensor]) -> Tensor:
        """Eq. 3 over the region, a weighted mean; a pixel that only lost its part claims
        -log(1 - p(old part))."""
        logits = self.logits(features)  # (N, classes)
        losses = F.cross_entropy(logits, self.labels, reduction="none")
        old = (self.lost - 1).clamp(min=0)[:, None]
        p_old = logits.softmax(dim=-1).gather(1, old)[:, 0]
        negative = -torch.log((1 - p_old).clamp(min=1e-6))
        return (self.shares * torch.where(self.lost > 0, negative, losses)).sum()
