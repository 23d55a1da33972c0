"""The fast segmentation branch against the published form: upsample, concatenate, run each MLP."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.segmentation import SegmentationBranch, hidden_sizes, pixel_logits
from backend.models.segmentation.pixel_logits import PixelLogits
from backend.models.segmentation.upsampling import DenseUpsampling, Upsampling, upsampling

CHANNELS = [6, 6, 5, 4, 3]
SIDES = [4, 4, 8, 16, 32]
RESOLUTION, CLASSES, HEADS = 32, 7, 3


def make_branch() -> SegmentationBranch:
    torch.manual_seed(0)
    branch = SegmentationBranch(CHANNELS, CLASSES, RESOLUTION, HEADS)
    for parameter in branch.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return branch


def make_features() -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randn(1, c, s, s) for c, s in zip(CHANNELS, SIDES, strict=True)]


def published(branch: SegmentationBranch, features: list[Tensor]) -> Tensor:
    """Logits of every head at every pixel, (K, N, classes)."""
    size = (branch.resolution, branch.resolution)
    full = [F.interpolate(f, size=size, mode="bilinear", align_corners=False) for f in features]
    x = torch.cat(full, dim=1)[0].flatten(1).t()  # (N, D)
    h0, _ = hidden_sizes(CLASSES)
    weight0 = torch.cat(list(branch.weight0), dim=1)  # (K * h0, D)
    heads = []
    for k in range(HEADS):
        rows = slice(k * h0, (k + 1) * h0)
        y = F.relu(x @ weight0[rows].t() + branch.bias0[rows])
        y = F.relu(y @ branch.weight1[k] + branch.bias1[k])
        heads.append(y @ branch.weight2[k] + branch.bias2[k])
    return torch.stack(heads)


def at_pixels(branch: SegmentationBranch, pixels: Tensor) -> PixelLogits:
    return PixelLogits(branch, pixels, SIDES)


def test_equals_the_published_form_everywhere() -> None:
    branch, features = make_branch(), make_features()
    expected = published(branch, features).mean(dim=0)
    torch.testing.assert_close(branch.logits(features), expected, rtol=1e-4, atol=1e-4)


def test_features_larger_than_the_labels_equal_the_published_form() -> None:
    branch, features = make_branch(), make_features()
    branch.resolution = RESOLUTION // 2  # as 512 is of a generator of 1024
    features.append(torch.randn(1, 2, 2 * RESOLUTION, 2 * RESOLUTION))
    branch.weight0.append(torch.nn.Parameter(torch.randn(len(branch.weight0[0]), 2)))
    expected = published(branch, features).mean(dim=0)
    torch.testing.assert_close(branch.logits(features), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_whole_maps_as_a_gpu_reads_them_equal_the_published_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    branch, features = make_branch(), make_features()
    monkeypatch.setattr("backend.models.segmentation.branch.upsampling", DenseUpsampling)
    found = torch.stack(list(branch.map_logits(features)))
    torch.testing.assert_close(found, published(branch, features), rtol=1e-4, atol=1e-4)


def test_upsampling_as_a_gpu_does_it_gives_the_same() -> None:
    torch.manual_seed(2)
    sides, resolution = [4, 8, 16], 32
    maps = [torch.randn(side * side, 5) for side in sides]
    sparse = upsampling(sides, resolution, torch.device("cpu"))
    dense = DenseUpsampling(sides, resolution, torch.device("cpu"))
    expected, found = (some.rows(some.widened(maps), 3, 20) for some in (sparse, dense))
    assert isinstance(sparse, Upsampling)
    torch.testing.assert_close(found, expected)


def test_a_few_pixels_equal_the_same_pixels_of_the_whole() -> None:
    branch, features = make_branch(), make_features()
    pixels = torch.tensor([0, 5, 31, 517, 1023])  # fewer than any map has: gathers first
    expected = published(branch, features).mean(dim=0)[pixels]
    torch.testing.assert_close(at_pixels(branch, pixels)(features), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("at_a_time", [1, 2 * 128 * 100, 2**21])  # one head, two, all of them
def test_gradients_equal_the_published_form(
    monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(pixel_logits, "_AT_A_TIME", at_a_time)
    branch, features = make_branch(), [f.requires_grad_() for f in make_features()]
    pixels = torch.arange(200, 300)
    found = at_pixels(branch, pixels)(features)
    expected = published(branch, features).mean(dim=0)[pixels]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    gradients = [torch.autograd.grad(x.square().sum(), features) for x in (found, expected)]
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_in_autocast_the_heads_stay_exact() -> None:
    branch, features = make_branch(), make_features()
    at = at_pixels(branch, torch.arange(200, 300))
    with torch.autocast("cpu", torch.bfloat16):
        found = at(features)
    torch.testing.assert_close(found, at(features), rtol=0, atol=0)


def test_labels_and_probabilities_agree() -> None:
    branch, features = make_branch(), make_features()
    probabilities = branch.probabilities(features)
    assert probabilities.shape == (CLASSES, RESOLUTION, RESOLUTION)
    torch.testing.assert_close(probabilities.sum(0), torch.ones(RESOLUTION, RESOLUTION))
    assert torch.equal(probabilities.argmax(0).byte(), branch.labels(features))


def test_uncertainty_is_zero_when_the_heads_agree() -> None:
    branch, features = make_branch(), make_features()
    spread = branch.uncertainty(features)
    assert spread.shape == (RESOLUTION, RESOLUTION)
    assert 0 < spread.max() <= math.log(CLASSES)
    h0, _ = hidden_sizes(CLASSES)
    with torch.no_grad():
        for weight in branch.weight0:
            weight.copy_(weight[:h0].repeat(HEADS, 1))
        branch.bias0.copy_(branch.bias0[:h0].repeat(HEADS))
        for p in (branch.weight1, branch.bias1, branch.weight2, branch.bias2):
            p.copy_(p[:1].expand_as(p))
    assert branch.uncertainty(features).max() < 1e-5


@pytest.mark.parametrize(("classes", "sizes"), [(6, (128, 32)), (32, (256, 128))])
def test_hidden_sizes_are_the_published_ones(classes: int, sizes: tuple[int, int]) -> None:
    assert hidden_sizes(classes) == sizes
