"""Embedding a photo into W+: encoder start, then optimisation (paper section 3.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.bundles.networks import Networks
from backend.editing.descent import minimise
from backend.editing.parts_term import KnownParts, PartsTerm
from backend.editing.progress import Progress, ProgressCallback, no_progress
from backend.models.perceptual import feature_distance
from protocol.facts import Grade


@dataclass(frozen=True)
class InversionLevel:
    """How hard to try. lr, betas: of Adam on w_plus; ramp_up, ramp_down: during which shares of
    the steps, the first and the last, the learning rate is smaller."""

    steps: int
    lr: float = 0.05
    betas: tuple[float, float] = (0.9, 0.99)
    ramp_up: float = 0.05
    ramp_down: float = 0.25
    perceptual: float = 10.0
    mse: float = 1.0
    encoder: float = 0.02  # pull towards the encoder's answer: keeps the code editable
    identity: float = 0.0  # pull towards the same person, where there is an identity network
    parts: float = 0.0  # pull towards the photo's own parts, where they are known


_PARTS = 0.3  # a first choice: benchmarks/part_layers.py --weights compares others

LEVELS = {
    # Few steps want to be large, and soon forgotten: 15 come as far as 20 of the others' kind do.
    "fast": InversionLevel(
        15, 0.1, betas=(0.8, 0.95), ramp_up=0.1, ramp_down=0.5, identity=0.3, parts=_PARTS
    ),
    "balanced": InversionLevel(100, identity=0.3, parts=_PARTS),
    "faithful": InversionLevel(400, encoder=0.005, identity=0.3, parts=_PARTS),
}


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """How well a w_plus represents a photo.

    perceptual: distance under the network named beside it, 0 is equal; mse: of pixels in [-1, 1];
    identity: cosine similarity, 1 is the same person, None where there is no identity network.
    """

    perceptual: float
    perceptual_network: str
    mse: float
    identity: float | None
    identity_network: str | None

    @property
    def quality(self) -> Grade:
        """How the subject is represented."""
        picture = _grade(-self.perceptual, -0.1, -0.2)
        person = picture if self.identity is None else _grade(self.identity, 0.6, 0.35)
        return max(picture, person, key=("well", "roughly", "poorly").index)

    @property
    def verdict(self) -> str:
        """One plain sentence for the photographer."""
        advice = {
            "well": ".",
            "roughly": "; small edits will look best.",
            "poorly": "; edits may not look like the same subject.",
        }
        return f"The model represents this subject {self.quality}{advice[self.quality]}"


def _grade(value: float, well: float, roughly: float) -> Grade:
    return "well" if value > well else "roughly" if value > roughly else "poorly"


def schedule(step: int, level: InversionLevel) -> float:
    """Factor of the learning rate: linear warm-up, cosine ramp-down."""
    t = (step + 1) / level.steps
    left = min(1.0, (1 - t + 1 / level.steps) / level.ramp_down)
    return min(1.0, t / level.ramp_up, 0.5 - 0.5 * math.cos(left * math.pi))


def masked_mse(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of pictures (B, 3, R, R) over masks (B, 1, R, R), (B,)."""
    total = ((a - b).square() * mask).sum(dim=(1, 2, 3))
    return total / (3 * mask.sum(dim=(1, 2, 3))).clamp(min=1)


@torch.no_grad()
def measure(networks: Networks, image: Tensor, rebuilt: Tensor, mask: Tensor) -> Reconstruction:
    """Compare a photo's crop with its reconstruction, both (1, 3, R, R), within the mask."""
    a, b = image * mask, rebuilt.clamp(-1, 1) * mask
    perceptual, identity = networks.perceptual, networks.identity
    distance = feature_distance(perceptual.features(a), perceptual.features(b))
    similarity = None
    if identity is not None:
        similarity = float((identity.embed(image) * identity.embed(rebuilt.clamp(-1, 1))).sum())
    return Reconstruction(
        perceptual=float(distance) * perceptual.scale,
        perceptual_network=perceptual.name,
        mse=float(masked_mse(a, b, mask)),
        identity=similarity,
        identity_network=identity.name if identity is not None else None,
    )


def encode(networks: Networks, image: Tensor) -> Tensor:
    """The encoder's w_plus (1, n_ws, w_dim) of a crop (1, 3, R, R)."""
    with torch.no_grad():
        return networks.encoder(image, networks.generator.w_avg)


def invert(
    networks: Networks,
    image: Tensor,
    mask: Tensor,
    level: InversionLevel,
    progress: ProgressCallback = no_progress,
    *,
    known: Sequence[KnownParts | None] = (),
    start: Tensor | None = None,
) -> Tensor:
    """Find the w_plus whose pictures are `image` and whose parts are the known ones.

    image: (B, 3, R, R) in [-1, 1]; mask: (B or 1, 1, R, R), 0 where it counts in no loss; known: of
    each picture, or of none; start: codes to go on from. Losses and best iterates are each
    picture's own. Returns a clone of the best, (B, n_ws, w_dim), also after "enough".
    """
    perceptual, home = networks.perceptual, encode(networks, image)
    progress(Progress(0.0, "Embedding"))
    parts = PartsTerm(networks, known, image.device) if any(known) and level.parts else None
    identity = networks.identity if level.identity else None
    with torch.no_grad():
        wanted = perceptual.features(image * mask)
        wanted_identity = identity.embed(image) if identity else None

    def evaluate(w_plus: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        rebuilt, features = networks.generator(w_plus)
        distance = feature_distance(perceptual.features(rebuilt * mask), wanted)
        terms = {
            "perceptual": level.perceptual * perceptual.scale * distance,
            "mse": level.mse * masked_mse(rebuilt, image, mask),
            "encoder": level.encoder * (w_plus - home).square().mean(dim=(1, 2)),
        }
        if identity and wanted_identity is not None:
            alike = (identity.embed(rebuilt) * wanted_identity).sum(dim=1)
            terms["identity"] = level.identity * (1 - alike)
        if parts:
            terms["parts"] = level.parts * parts(features)
        return terms, rebuilt

    return minimise(
        home if start is None else start,
        evaluate,
        steps=level.steps,
        lr=lambda step: level.lr * schedule(step, level),
        progress=progress,
        message=lambda step: Progress((step + 1) / level.steps, "Embedding"),
        betas=level.betas,
    ).best
