"""The generator against StyleGAN2's published formulas, written out plainly."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from backend.models.config import GeneratorConfig
from backend.models.generator import Generator, StyledConv, sample_z
from backend.models.runtime.resampling import (
    convolved_larger,
    enlarged,
    in_phases,
    low_pass_kernel,
)

CONFIG = GeneratorConfig(resolution=32, channel_base=512, channel_max=32, z_dim=16, w_dim=16)


def make_generator(config: GeneratorConfig = CONFIG) -> Generator:
    torch.manual_seed(0)
    generator = Generator(config)
    for conv in generator.convolutions:  # training starts them at zero; a test must see them
        torch.nn.init.normal_(conv.noise_strength, std=0.3)
        torch.nn.init.normal_(conv.bias, std=0.3)
    return generator.eval().requires_grad_(False)


def upfirdn(x: Tensor, *, up: int) -> Tensor:
    """Insert zeros, pad, and filter with [1, 3, 3, 1]: the definition in StyleGAN2, appendix B."""
    b, c, h, w = x.shape
    spread = torch.zeros(b, c, h * up, w * up)
    spread[:, :, ::up, ::up] = x
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    kernel = torch.outer(row, row) * up**2
    return F.conv2d(F.pad(spread, (2, 1, 2, 1)), kernel.expand(c, 1, 4, 4), groups=c)


def plain_styled_conv(conv: StyledConv, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
    """Modulate and demodulate the weights of each sample (Karras et al. 2020, eqs. 1 and 3)."""
    outputs = []
    for one, style in zip(x, conv.affine(w), strict=True):
        weight = conv.weight * style[:, None, None]
        weight = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        one = one[None]
        if conv.up:  # upsampling first, then convolving, is what the fused form must equal
            outputs.append(F.conv2d(upfirdn(one, up=2), weight.flip(2, 3), padding=1))
        else:
            outputs.append(F.conv2d(one, weight, padding=1))
    y = torch.cat(outputs) + noise * conv.noise_strength + conv.bias[:, None, None]
    return F.leaky_relu(y, 0.2) * math.sqrt(2)


@pytest.mark.parametrize("up", [False, True])
def test_styled_convolution_equals_the_published_one(up: bool) -> None:
    torch.manual_seed(1)
    conv = StyledConv(6, 5, 16, (16, 16), up=up, clamp=None).requires_grad_(False)
    conv.noise_strength.fill_(0.7)
    x, w = torch.randn(2, 6, 8 if up else 16, 8 if up else 16), torch.randn(2, 16)
    fast = conv(x, w, conv.noise_const)
    plain = plain_styled_conv(conv, x, w, conv.noise_const)
    inner = (..., slice(2, -2), slice(2, -2))  # the fused form sees zeros beyond the border later
    torch.testing.assert_close(fast[inner], plain[inner], rtol=1e-4, atol=1e-5)


def test_image_upsampling_equals_the_definition() -> None:
    image = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(
        enlarged(image, low_pass_kernel()),
        upfirdn(image, up=2),
        rtol=1e-5,
        atol=1e-6,
    )


def test_a_larger_convolution_in_phases_as_a_gpu_computes_it_is_the_same() -> None:
    torch.manual_seed(2)
    x, weight, kernel = torch.randn(2, 6, 7, 9), torch.randn(5, 6, 3, 3), low_pass_kernel()
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    plain, phases = (f(x, weight, kernel) for f in (convolved_larger, in_phases))
    assert phases.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(phases, plain, rtol=1e-5, atol=1e-5)
    slope = torch.randn_like(plain)
    expected, found = (torch.autograd.grad(y, x, slope)[0] for y in (plain, phases))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_shapes_and_features() -> None:
    generator = make_generator()
    image, features = generator(torch.randn(2, CONFIG.n_ws, CONFIG.w_dim))
    assert image.shape == (2, 3, 32, 32)
    assert [f.shape[1] for f in features] == CONFIG.feature_channels
    assert [f.shape[2] for f in features] == [4, 4, 8, 8, 16, 16, 32, 32]


@pytest.mark.parametrize(("resolution", "depth"), [(256, 5888), (512, 6016), (1024, 6080)])
def test_config_f_has_the_published_feature_depth(resolution: int, depth: int) -> None:
    config = GeneratorConfig(resolution=resolution, channel_base=32768, channel_max=512)
    assert sum(config.feature_channels) == depth


def test_each_w_moves_only_its_own_scale_and_finer() -> None:
    generator = make_generator()
    w = torch.randn(1, CONFIG.n_ws, CONFIG.w_dim)
    moved = w.clone()
    moved[:, 5] += 1  # the first convolution at 32 x 32
    for i, (a, b) in enumerate(zip(generator(w)[1], generator(moved)[1], strict=True)):
        assert torch.equal(a, b) == (i < 6)


def test_constant_noise_is_the_default_and_random_noise_differs() -> None:
    generator = make_generator()
    w = torch.randn(1, CONFIG.n_ws, CONFIG.w_dim)
    assert torch.equal(generator(w)[0], generator(w, generator.constant_noise())[0])
    assert not torch.allclose(generator(w)[0], generator(w, generator.random_noise(1))[0])


def test_truncation_zero_gives_the_mean_face() -> None:
    generator = make_generator()
    generator.w_avg.normal_()
    w_plus = generator.map(sample_z(CONFIG, [1, 2]), truncation=0.0)
    assert w_plus.shape == (2, CONFIG.n_ws, CONFIG.w_dim)
    torch.testing.assert_close(w_plus, generator.w_avg.expand_as(w_plus))


def test_a_seed_gives_the_same_z_in_any_batch() -> None:
    assert torch.equal(sample_z(CONFIG, [7])[0], sample_z(CONFIG, [3, 7])[1])


def test_wrong_shape_of_w_plus_is_named() -> None:
    with pytest.raises(ValueError, match=r"\(B, 8, 16\)"):
        make_generator()(torch.randn(1, 3, 16))
