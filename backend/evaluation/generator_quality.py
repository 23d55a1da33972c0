"""How good a generator is by itself: sharpness, variety, and distance from real pictures.

Any one of them can be won by a bad generator: noise is sharp, copies of one good face are close to
photos. Read them together.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.bundles.networks import AnyEncoder
from backend.evaluation.distances import FeatureSpace, frechet_distance, kernel_distance
from backend.models.generator import Generator, sample_z
from backend.models.letterbox import letterboxed, shown_area
from backend.models.perceptual import PerceptualNetwork, feature_distance
from backend.models.pictures import quantized

_BATCH = 16
_PAIRS = 64  # neighbours compared for variety


@dataclass(frozen=True)
class GeneratorQuality:
    """Reconstructions are those of encoder + generator; samples are not truncated.

    perceptual: mean distance of photos from their reconstructions, 0 is equal.
    sharpness, sample_sharpness: fine detail relative to photos, 1 is equal.
    variety: perceptual distance between samples relative to that between photos, 1 is equal.
    frechet, sample_frechet, sample_kernel: distances of the sets from the photos, in the feature
    space that is named (only Inception's are FID and KID).
    """

    perceptual: float
    sharpness: float
    frechet: float
    sample_sharpness: float
    variety: float
    sample_frechet: float
    sample_kernel: float
    feature_space: str


@dataclass(frozen=True)
class ReconstructionQuality:
    """The same of reconstructions alone."""

    perceptual: float
    sharpness: float
    frechet: float


@torch.no_grad()
def reconstruction_quality(
    rebuilt: Tensor, photos: Tensor, perceptual: PerceptualNetwork, space: FeatureSpace
) -> ReconstructionQuality:
    """Compare reconstructions with their photos, (N, 3, R, R) each in [-1, 1]."""
    return ReconstructionQuality(
        perceptual=_distance(perceptual, rebuilt, photos),
        sharpness=_detail(rebuilt) / _detail(photos),
        frechet=frechet_distance(_embedded(space, rebuilt), _embedded(space, photos)),
    )


@torch.no_grad()
def generator_quality(
    generator: Generator,
    encoder: AnyEncoder,
    perceptual: PerceptualNetwork,
    space: FeatureSpace,
    photos: Tensor,
) -> GeneratorQuality:
    """Compare with photos (N, 3, R, R) in [-1, 1] that the networks never saw; N samples, seeds 0
    to N - 1."""
    z = sample_z(generator.config, range(len(photos)))
    samples = torch.cat([generator(generator.map(some))[0] for some in z.split(_BATCH)])
    samples = letterboxed(samples.clamp(-1, 1), shown_area(photos, generator.config.aspect))
    rebuilt = _rebuilt(generator, encoder, photos)
    real, new = (_embedded(space, pictures) for pictures in (photos, samples))
    return GeneratorQuality(
        **asdict(reconstruction_quality(rebuilt, photos, perceptual, space)),
        sample_sharpness=_detail(samples) / _detail(photos),
        variety=_variety(perceptual, samples) / _variety(perceptual, photos),
        sample_frechet=frechet_distance(new, real),
        sample_kernel=kernel_distance(new, real),
        feature_space=space.frechet_name,
    )


@torch.no_grad()
def reconstruction_distance(
    generator: Generator, encoder: AnyEncoder, space: FeatureSpace, photos: Tensor
) -> float:
    """Fréchet distance between photos (N, 3, R, R) in [-1, 1] and their reconstructions."""
    pictures = _rebuilt(generator, encoder, photos), photos
    return frechet_distance(*(_embedded(space, some) for some in pictures))


def _rebuilt(generator: Generator, encoder: AnyEncoder, photos: Tensor) -> Tensor:
    batches = photos.split(_BATCH)
    found = [generator(encoder(some, generator.w_avg))[0] for some in batches]
    return letterboxed(torch.cat(found).clamp(-1, 1), shown_area(photos, generator.config.aspect))


def _embedded(space: FeatureSpace, pictures: Tensor) -> Tensor:
    """(N, 3, R, R) in [-1, 1] -> (N, D), on the CPU."""
    return torch.cat(
        [space.features(some).double().cpu() for some in quantized(pictures).split(_BATCH)]
    )


def _distance(perceptual: PerceptualNetwork, a: Tensor, b: Tensor) -> float:
    """Mean perceptual distance of pairs, (N, 3, R, R) each."""
    found = [
        feature_distance(perceptual.features(x), perceptual.features(y))
        for x, y in zip(a.split(_BATCH), b.split(_BATCH), strict=True)
    ]
    return float(torch.cat(found).mean()) * perceptual.scale


def _detail(pictures: Tensor) -> float:
    """Root mean square of what a blur over 2 x 2 pixels takes away from (N, 3, R, R)."""
    soft = F.interpolate(F.avg_pool2d(pictures, 2), scale_factor=2.0, mode="bilinear")
    return float((pictures - soft).square().mean().sqrt())


def _variety(perceptual: PerceptualNetwork, pictures: Tensor) -> float:
    """Mean perceptual distance of pictures (N, 3, R, R) from their neighbours in the batch."""
    some = pictures[: _PAIRS + 1]
    return _distance(perceptual, some[:-1], some[1:])
