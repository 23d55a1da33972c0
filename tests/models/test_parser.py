"""The face parser's own promises, whatever it has learnt."""

from pathlib import Path

import pytest
import torch

from backend.bundles import find_bundle
from backend.models.parser import CLASSES, MIRRORED, RESOLUTION, SIZES, FaceParser


@pytest.fixture(scope="module")
def parser() -> FaceParser:
    torch.manual_seed(0)
    return FaceParser().eval().requires_grad_(False)


def test_logits_have_the_pictures_size(parser: FaceParser) -> None:
    assert parser(torch.zeros(2, 3, 96, 64)).shape == (2, len(CLASSES), 96, 64)


def test_a_mirror_image_has_the_same_parts_on_the_other_side(parser: FaceParser) -> None:
    image = torch.rand(1, 3, RESOLUTION, RESOLUTION) * 2 - 1
    seen, other = parser.probabilities(image), parser.probabilities(image.flip(3))
    # torch resizes a mirror image with weights that differ in their last bits.
    torch.testing.assert_close(other.flip(2)[MIRRORED], seen, atol=1e-4, rtol=0)
    torch.testing.assert_close(seen.sum(0), torch.ones(RESOLUTION, RESOLUTION))
    assert [CLASSES[i] for i in MIRRORED][4:6] == ["right eye", "left eye"]


def test_it_begins_with_squeezenets_weights(parser: FaceParser) -> None:
    from safetensors.torch import load_file

    path = Path(find_bundle("faces").path("perceptual"))
    parser.start_from(path)
    weights = load_file(path)
    torch.testing.assert_close(parser.stages[0][0].weight, weights["features.0.weight"])
    last = parser.stages[3][4].expand3x3.weight
    torch.testing.assert_close(last, weights["features.12.expand3x3.weight"])


class _Sure(FaceParser):
    """Sees one class, another one in each size of picture."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.sizes.append(image.shape[-1])
        logits = torch.zeros(len(image), len(CLASSES), *image.shape[2:])
        logits[:, CLASSES.index(("background", "skin", "nose")[len(self.sizes) - 1])] = 50
        return logits


def test_a_photo_is_looked_at_in_several_sizes_which_count_alike() -> None:
    parser = _Sure()
    seen = parser.probabilities(torch.zeros(1, 3, 300, 300), SIZES)
    assert seen.shape == (len(CLASSES), RESOLUTION, RESOLUTION)
    assert sorted(parser.sizes) == sorted(SIZES)
    for name in ("background", "skin", "nose"):
        assert torch.allclose(seen[CLASSES.index(name)], torch.tensor(1 / 3), atol=1e-5)
