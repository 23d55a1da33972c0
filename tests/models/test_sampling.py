"""Reading a few pixels of a map against upsampling all of it."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.segmentation.bilinear import neighbours, nodes_around, pixel_centres
from backend.models.segmentation.pixel_reader import PixelReader, sample_at
from backend.models.segmentation.sparse import Interpolation

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


@pytest.mark.parametrize("sides", [[4, 8], [4, 8, 16, 32], [2, 4, 8, 16, 32, 64]])
@pytest.mark.parametrize("place", ["corner", "middle", "everywhere"])
def test_small_maps_that_are_added_up_first_give_the_same_sum(sides: list[int], place: str) -> None:
    side, parts = 64, {"corner": slice(0, 20), "middle": slice(23, 42), "everywhere": slice(0, 64)}
    region = torch.zeros(side, side, dtype=torch.bool)
    region[parts[place], parts[place]] = True
    pixels = region.flatten().nonzero()[:, 0]
    maps = [torch.randn(1, 5, s, s).requires_grad_() for s in sides]
    reader, bias = PixelReader(pixels, side, sides), torch.randn(5)
    rows = {s: reader.read(m) for s, m in zip(sides, maps, strict=True)}
    found = reader.interpolate([rows[s] for s in reader.coarse], bias)
    found = found + sum(rows[s] for s in sides if s not in reader.coarse)
    # In double precision: torch's own sums of 4096 numbers are less exact than these.
    exact = [F.interpolate(m.double(), size=(side, side), mode="bilinear") for m in maps]
    wanted = (bias + torch.stack(exact).sum(0)[0].flatten(1).t()[pixels]).float()
    torch.testing.assert_close(found, wanted)
    weights = torch.randn_like(found)
    gradients = (torch.autograd.grad(total, maps, weights) for total in (found, wanted))
    for gradient, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(gradient, expected)


def test_a_sparse_product_in_the_format_for_a_gpu_is_the_same() -> None:
    index, weights = torch.randint(7, (40, 3)), torch.rand(40, 3)
    matrix = Interpolation.of(index, weights, 7)
    rows, back = torch.randn(7, 5), torch.randn(40, 5)
    torch.testing.assert_close(matrix.forward.compressed @ rows, matrix(rows))
    torch.testing.assert_close(matrix.backward.compressed @ back, matrix.transposed(back))


@pytest.mark.parametrize("sides", [[2, 4], [4, 8, 16, 32]])
def test_no_value_is_read_twice_at_one_place(sides: list[int]) -> None:
    places = pixel_centres(torch.arange(64 * 64), 64)
    for side in sides:
        index, _ = neighbours(places, side)
        assert (index.sort(dim=1).values.diff(dim=1) > 0).all()
    _, index, weights = nodes_around(places, sides)
    assert (index.sort(dim=1).values.diff(dim=1) > 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(weights)))
