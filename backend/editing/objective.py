"""The editing objective (paper eqs. 2-5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.bundles.networks import Networks
from backend.editing.options import Weights
from backend.models.perceptual import feature_distance
from backend.models.segmentation.pixel_logits import PixelLogits


@dataclass(frozen=True, eq=False)
class EditTarget:
    """What an edit should become, at label resolution L.

    labels: int64 (L, L), y_edited; region: bool (L, L), r of eq. 1; changed: bool (L, L), pixels
    that should not stay what they were; removed: int64 (L, L), the old part + 1 at pixels that lost
    their part and gained none, else 0; valid: bool (L, L), the photo.
    """

    labels: Tensor
    region: Tensor
    changed: Tensor
    removed: Tensor
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
        there. inside: what r itself should look like, (1, 3, R, R); None leaves that free."""
        self.networks, self.weights = networks, weights
        self.outside = at_resolution(~target.region & target.valid, before.shape[-1]).to(before)
        self.kept = before * self.outside
        if inside is not None:
            within = at_resolution(target.region & target.valid, before.shape[-1]).to(before)
            self.kept = self.kept + inside * within
            self.outside = self.outside + within
        region = (target.region & target.valid).flatten()
        removed = target.removed.flatten()
        pixels = region.nonzero()[:, 0]  # (N,)
        self.labels = target.labels.flatten()[pixels]
        self.removed = removed[pixels]
        counts = torch.where(target.changed.flatten()[pixels], weights.changed, 1.0)
        self.shares = counts / counts.sum().clamp(min=1e-9)  # (N,)
        sides = networks.generator.config.feature_sides
        self.logits = PixelLogits(networks.segmentation, pixels, sides)
        with torch.no_grad():
            self.kept_features = networks.perceptual.features(self.kept)
            self.identity = networks.identity if weights.identity else None
            self.identity_embedding = self.identity.embed(before) if self.identity else None

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
        if self.identity is not None and self.identity_embedding is not None:
            similarity = (self.identity.embed(image) * self.identity_embedding).sum()
            terms["identity"] = weights.identity * (1 - similarity)  # eq. 4 with the sign it needs
        return terms

    def cross_entropy(self, features: Sequence[Tensor]) -> Tensor:
        """Eq. 3 over the region, a weighted mean; a pixel that only lost its part claims
        -log(1 - p(old part))."""
        logits = self.logits(features)  # (N, classes)
        losses = F.cross_entropy(logits, self.labels, reduction="none")
        old = (self.removed - 1).clamp(min=0)[:, None]
        p_old = logits.softmax(dim=-1).gather(1, old)[:, 0]
        negative = -torch.log((1 - p_old).clamp(min=1e-6))
        return (self.shares * torch.where(self.removed > 0, negative, losses)).sum()
