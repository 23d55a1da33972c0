"""The figures of a generator move the way its pictures do."""

import torch
import torch.nn.functional as F

from backend.bundles import find_bundle
from backend.bundles.networks import load_encoder, load_generator, load_perceptual
from backend.evaluation.distances import PerceptualSpace
from backend.evaluation.generator_quality import GeneratorQuality, generator_quality
from backend.models.generator import sample_z


class Blurred(torch.nn.Module):
    """A generator whose pictures lost half their resolution."""

    def __init__(self, generator: torch.nn.Module) -> None:
        super().__init__()
        self.generator, self.config = generator, generator.config
        self.w_avg, self.map = generator.w_avg, generator.map

    def forward(self, w_plus: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        image, features = self.generator(w_plus)
        return F.interpolate(F.avg_pool2d(image, 4), scale_factor=4.0, mode="bilinear"), features


def test_a_blurred_generator_is_less_sharp_and_further_away() -> None:
    bundle = find_bundle("faces")
    generator, encoder = load_generator(bundle), load_encoder(bundle)
    perceptual = load_perceptual(bundle)
    with torch.no_grad():  # its own samples serve as photos
        z = sample_z(bundle.config, range(100, 106))
        photos = generator(generator.map(z))[0].clamp(-1, 1)

    def score(network: torch.nn.Module) -> GeneratorQuality:
        space = PerceptualSpace(perceptual)
        return generator_quality(network, encoder, perceptual, space, photos)

    sharp, soft = score(generator), score(Blurred(generator))
    assert soft.sharpness < 0.7 * sharp.sharpness
    assert soft.sample_sharpness < 0.7 * sharp.sample_sharpness
    assert soft.sample_frechet > 1.2 * sharp.sample_frechet
    assert sharp.feature_space.endswith("distance") and 0.2 < sharp.variety < 3
