"""Reading a few pixels of a map against upsampling all of it."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.sampling import PixelReader, sample_at

RESOLUTION = 16
PIXELS = torch.tensor([0, 3, 15, 16, 17, 100, 120, 121, 136, 240, 255])  # corners and borders too


def upsampled(feature: Tensor) -> Tensor:
    """(1, C, side, side) -> (N, C), by way of the whole map."""
    size = (RESOLUTION, RESOLUTION)
    full = F.interpolate(feature, size=size, mode="bilinear", align_corners=False)
    return full[0].flatten(1).t()[PIXELS]


@pytest.mark.parametrize("side", [1, 4, 8, 16, 32])
def test_samples_equal_the_upsampled_map(side: int) -> None:
    feature = torch.randn(1, 3, side, side)
    torch.testing.assert_close(sample_at(feature, PIXELS, RESOLUTION), upsampled(feature))


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_reader_gives_the_same_values_and_gradients(channels_last: bool) -> None:
    sides = [2, 4, 8, 16, 32]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    maps = [torch.randn(1, 3, s, s).to(memory_format=layout).requires_grad_() for s in sides]
    reader, bias = PixelReader(PIXELS, RESOLUTION, sides), torch.randn(3)
    assert reader.coarse == [2]  # of larger maps, as many pixels count as are read
    rows = {s: reader.read(m) for s, m in zip(sides, maps, strict=True)}
    found = reader.interpolate([rows[s] for s in reader.coarse], bias)
    found = found + sum(rows[s] for s in sides if s not in reader.coarse)
    wanted = bias + torch.stack([upsampled(m) for m in maps]).sum(0)
    torch.testing.assert_close(found, wanted)
    weights = torch.randn_like(found)
    pairs = zip(
        torch.autograd.grad(found, maps, weights),
        torch.autograd.grad(wanted, maps, weights),
        strict=True,
    )
    for gradient, expected in pairs:
        torch.testing.assert_close(gradient, expected)
