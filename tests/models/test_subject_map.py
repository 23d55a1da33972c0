"""What a head is taught is what is read from it."""

import pytest
import torch

from backend.bundles import find_bundle
from backend.bundles.networks import load_from
from backend.models.perceptual import SqueezeNetFeatures
from backend.models.subject_map import SubjectHead, cell_centres, cells_of, decode, encode


@pytest.mark.parametrize("side", [192, 250])
def test_cells_lie_where_they_are_said_to(side: int) -> None:
    """What changes in the picture changes most in the cell that looks there."""
    features = load_from(SqueezeNetFeatures, find_bundle("faces").path("perceptual"))
    blank = torch.zeros(1, 3, side, side)
    spot = blank.clone()
    spot[..., 90:98, 60:68] = 1
    change = (cells_of(features, spot) - cells_of(features, blank)).square().sum(dim=1)[0]
    centres = cell_centres(*change.shape)
    seen = (centres * (change / change.sum())[..., None]).sum(dim=(0, 1))
    assert seen.tolist() == pytest.approx([64, 94], abs=8)
    assert centres[0, 0].tolist() == [-0.5, -0.5] and centres[-1, -1].max() >= side - 16


def test_an_encoded_subject_is_decoded() -> None:
    centres = cell_centres(12, 12)
    centre, half = torch.tensor([70.0, 101.0]), torch.tensor([40.0, 15.0])
    heat, rest = encode(centres, centre, half)
    said = torch.cat([torch.logit(heat.clamp(1e-4, 1 - 1e-4))[None], rest])
    found = decode(said, 0.3)
    assert len(found.score) == 1
    assert found.centre[0].tolist() == pytest.approx([70, 101], abs=1e-3)
    assert found.half[0].tolist() == pytest.approx([40, 15], abs=1e-3)
    assert SubjectHead()(torch.zeros(1, SubjectHead.inputs, 12, 12)).shape == (1, 6, 12, 12)
