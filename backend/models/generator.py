"""StyleGAN2 (Karras et al. 2020) in plain PyTorch, with W+ input and its features laid open.

Differences from the published networks, none of which changes a number beyond rounding: modulation
scales the activations instead of the weights (one ordinary convolution for the whole batch, more
than twice as fast with gradients on a CPU), and every feature that the segmentation branch reads is
returned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.models.codes import CodeDistribution
from backend.models.config import GeneratorConfig
from backend.models.layers import LRELU_GAIN, LRELU_SLOPE, EqualLinear, leaky_relu
from backend.models.runtime.resampling import (
    ZEROS_GAIN,
    convolved_larger,
    enlarged,
    low_pass_kernel,
)


class Mapping(nn.Module):
    """z -> w: normalise, then fully connected layers with a low learning rate."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        sizes = [config.z_dim] + [config.w_dim] * config.mapping_layers
        self.layers = nn.ModuleList(
            EqualLinear(i, o, lr_multiplier=0.01) for i, o in pairwise(sizes)
        )

    def forward(self, z: Tensor) -> Tensor:  # (B, z_dim) -> (B, w_dim)
        x = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
        for layer in self.layers:
            x = leaky_relu(layer(x))
        return x


class StyledConv(nn.Module):
    """Modulated 3x3 convolution (+ 2x upsampling), noise, bias, leaky ReLU."""

    noise_const: Tensor  # (resolution, resolution)
    filter: Tensor  # (1, 1, 4, 4)

    def __init__(
        self,
        inputs: int,
        outputs: int,
        w_dim: int,
        size: tuple[int, int],
        *,
        up: bool,
        clamp: float | None,
    ) -> None:
        """size: height and width of what comes out."""
        super().__init__()
        self.up = up
        self.clamp = clamp
        self.affine = EqualLinear(w_dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise_const", torch.randn(*size))
        self.register_buffer("filter", low_pass_kernel(), persistent=False)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """x (B, I, H, W), w (B, w_dim), noise (H', W') or (B, 1, H', W') -> (B, O, H', W')."""
        style = self.affine(w)  # (B, I)
        # Demodulation needs only sum_i s_i^2 sum_k w_oik^2: no weight per sample is ever made.
        energy = self.weight.square().sum(dim=(2, 3))  # (O, I)
        demodulation = torch.rsqrt(style.square() @ energy.t() + 1e-8)  # (B, O)
        gain = 1 / math.sqrt(self.weight[0].numel())  # keeps half-precision sums in range
        x = x * (style * gain)[:, :, None, None].to(x.dtype)
        if self.up:
            x = convolved_larger(x, self.weight, self.filter)
        else:
            x = F.conv2d(x, self.weight, padding=1)
        # The activation's gain is applied before it, to few numbers, and from here on in place:
        # activations that gradients keep are what a step's memory goes to.
        gain = LRELU_GAIN * (ZEROS_GAIN if self.up else 1) / gain
        x = x * (demodulation * gain)[:, :, None, None].to(x.dtype)
        if noise is not None:
            x.addcmul_(noise.to(x.dtype), self.noise_strength.to(x.dtype), value=LRELU_GAIN)
        x.add_(self.bias[:, None, None].to(x.dtype), alpha=LRELU_GAIN)
        x = F.leaky_relu_(x, LRELU_SLOPE)
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to RGB, without demodulation."""

    def __init__(self, inputs: int, w_dim: int, *, clamp: float | None) -> None:
        super().__init__()
        self.clamp = clamp
        self.affine = EqualLinear(w_dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.weight_gain = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.affine(w) * self.weight_gain
        x = F.conv2d(x * style[:, :, None, None].to(x.dtype), self.weight)
        x = (x + self.bias[:, None, None].to(x.dtype)).float()
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class SynthesisBlock(nn.Module):
    """One resolution: two styled convolutions (one at 4x4) and the step of the image pyramid."""

    def __init__(self, config: GeneratorConfig, resolution: int) -> None:
        super().__init__()
        outputs = config.channels(resolution)
        w_dim, clamp = config.w_dim, config.conv_clamp
        scale = resolution // max(config.const_size)
        size = config.const_size[0] * scale, config.const_size[1] * scale
        self.first = scale == 1
        if self.first:
            self.const = nn.Parameter(torch.randn(outputs, *size))
        else:
            inputs = config.channels(resolution // 2)
            self.conv0 = StyledConv(inputs, outputs, w_dim, size, up=True, clamp=clamp)
        self.conv1 = StyledConv(outputs, outputs, w_dim, size, up=False, clamp=clamp)
        self.to_rgb = ToRGB(outputs, w_dim, clamp=clamp)

    @property
    def convolutions(self) -> list[StyledConv]:
        return [self.conv1] if self.first else [self.conv0, self.conv1]


class Generator(nn.Module):
    """Mapping and synthesis networks, and the mean of w.

    `forward(w_plus)` is differentiable in w_plus, in the noise and in the weights.
    """

    w_avg: Tensor  # (w_dim,)
    filter: Tensor  # (1, 1, 4, 4)

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.blocks = nn.ModuleList(SynthesisBlock(config, r) for r in config.block_resolutions)
        self.register_buffer("w_avg", torch.zeros(config.w_dim))
        self.register_buffer("filter", low_pass_kernel(), persistent=False)
        self.codes: CodeDistribution | None = None  # draws samples in place of the mapping network

    @property
    def synthesis(self) -> list[SynthesisBlock]:
        """The blocks, coarse to fine."""
        return [cast(SynthesisBlock, block) for block in self.blocks]

    @property
    def convolutions(self) -> list[StyledConv]:
        return [conv for block in self.synthesis for conv in block.convolutions]

    def constant_noise(self) -> list[Tensor]:
        """The fixed noise of each convolution, (H, W) each."""
        return [conv.noise_const for conv in self.convolutions]

    def random_noise(self, batch: int) -> list[Tensor]:
        """Fresh noise for each convolution, (B, 1, H, W) each."""
        return [torch.randn(batch, 1, *n.shape, device=n.device) for n in self.constant_noise()]

    def forward(
        self, w_plus: Tensor, noise: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Synthesise.

        w_plus: (B, n_ws, w_dim); noise: one tensor per convolution, constant noise when None.
        Returns the image (B, 3, R, R), about [-1, 1] and not clipped, and the features: the
        constant (B, C, 4, 4) and the output of each styled convolution, coarse to fine. Where the
        constant is not square, all of them lie between bars: black ones, and zeros in features.
        """
        if w_plus.shape[1:] != (self.config.n_ws, self.config.w_dim):
            expected = (self.config.n_ws, self.config.w_dim)
            raise ValueError(f"w_plus must be (B, {expected[0]}, {expected[1]})")
        noises = iter(self.constant_noise() if noise is None else noise)
        styles = w_plus.unbind(dim=1)
        x = self.synthesis[0].const.expand(len(w_plus), -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        features, index = [in_square(x)], 0
        image: Tensor | None = None
        for block in self.synthesis:
            for conv in block.convolutions:
                x = conv(x, styles[index], next(noises))
                features.append(in_square(x))
                index += 1
            rgb = block.to_rgb(x, styles[index])  # shares its w with the next block's first conv
            image = rgb if image is None else enlarged(image, self.filter) + rgb
        assert image is not None  # there is at least one block
        return in_square(image, fill=-1.0), features

    def map(self, z: Tensor, *, truncation: float = 1.0) -> Tensor:
        """z (B, z_dim) -> w_plus (B, n_ws, w_dim), pulled towards the mean by `truncation`
        (psi)."""
        if self.codes is not None:
            return self.codes(z, truncation)
        w = self.w_avg + truncation * (self.mapping(z) - self.w_avg)
        return w[:, None].expand(-1, self.config.n_ws, -1)


def in_square(x: Tensor, *, fill: float = 0.0) -> Tensor:
    """(B, C, H, W) in the middle of a square of its longer side; a square as it is."""
    height, width = x.shape[-2:]
    if height == width:
        return x
    rows, columns = max(width - height, 0), max(height - width, 0)
    sides = columns // 2, columns - columns // 2, rows // 2, rows - rows // 2
    return F.pad(x, sides, value=fill)


def sample_z(config: GeneratorConfig, seeds: Sequence[int]) -> Tensor:
    """One latent z per seed, (len(seeds), z_dim); the same on every machine and in every batch."""
    rows = [torch.randn(config.z_dim, generator=torch.Generator().manual_seed(s)) for s in seeds]
    return torch.stack(rows)
