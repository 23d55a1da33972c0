"""StyleGAN2 in its original formulation, under the names of the programs that write checkpoints.

Written from the paper's formulas (Karras et al. 2020): the *weights* of each sample are modulated,
normalised and convolved; upsampling inserts zeros; every filter is applied as it is defined. Slow,
and independent of backend.models.generator, so that imported generators can be compared with it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def upfirdn(x: Tensor, *, up: int, pad: tuple[int, int], gain: float) -> Tensor:
    """Insert zeros, pad, filter with [1, 3, 3, 1]."""
    b, c, h, w = x.shape
    spread = x.new_zeros(b, c, h, up, w, up)
    spread[:, :, :, 0, :, 0] = x
    padded = F.pad(spread.reshape(b, c, h * up, w * up), (*pad, *pad))
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return F.conv2d(padded, (torch.outer(row, row) * gain).expand(c, 1, 4, 4), groups=c)


def modulated_conv(x: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool, up: bool):
    """One convolution per sample, its weight (O, I, k, k) scaled by the sample's style (I,)."""
    results = []
    for one, s in zip(x, style, strict=True):
        w = weight * s[None, :, None, None]
        if demodulate:
            w = w / (w.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if up:  # the transposed convolution, written out
            h, width = one.shape[-2:]
            spread = one.new_zeros(1, len(one), 2 * h - 1, 2 * width - 1)
            spread[0, :, ::2, ::2] = one
            y = F.conv2d(spread, w.flip(2, 3), padding=2)
            results.append(upfirdn(y, up=1, pad=(1, 1), gain=4))
        else:
            results.append(F.conv2d(one[None], w, padding=w.shape[-1] // 2))
    return torch.cat(results)


def activate(x: Tensor, clamp: float | None = None) -> Tensor:
    x = torch.where(x < 0, 0.2 * x, x) * math.sqrt(2)
    return x if clamp is None else x.clamp(-clamp, clamp)


def normalised(z: Tensor) -> Tensor:
    return z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()


# --- NVIDIA's names (stylegan2-ada-pytorch, stylegan3) ------------------------------------------


class FullyConnectedLayer(nn.Module):
    def __init__(self, inputs, outputs, activation="linear", lr_multiplier=1.0, bias_init=0.0):
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.full([outputs], float(bias_init)) + torch.randn(outputs) / 5)
        self.weight_gain = _numpy_float(lr_multiplier / math.sqrt(inputs))
        self.bias_gain = lr_multiplier

    def forward(self, x):
        x = x @ (self.weight * float(self.weight_gain)).t() + self.bias * self.bias_gain
        return activate(x) if self.activation == "lrelu" else x


def _numpy_float(value):
    import numpy as np  # NVIDIA's gains come from numpy, and are pickled as its scalars

    return np.float64(value)


class MappingNetwork(nn.Module):
    def __init__(self, z_dim, w_dim, num_layers, c_dim=0):
        super().__init__()
        self.z_dim, self.w_dim, self.c_dim, self.num_layers = z_dim, w_dim, c_dim, num_layers
        if c_dim:
            self.embed = FullyConnectedLayer(c_dim, w_dim)
        first = z_dim + w_dim if c_dim else z_dim
        self.chosen = 0
        for i in range(num_layers):
            layer = FullyConnectedLayer(first if i == 0 else w_dim, w_dim, "lrelu", 0.01)
            setattr(self, f"fc{i}", layer)
        self.register_buffer("w_avg", torch.randn(w_dim) / 3)

    def forward(self, z, psi=1.0):
        x = normalised(z)
        if self.c_dim:
            one_hot = torch.eye(self.c_dim)[[self.chosen] * len(z)]
            x = torch.cat([x, normalised(self.embed(one_hot))], dim=1)
        for i in range(self.num_layers):
            x = getattr(self, f"fc{i}")(x)
        return self.w_avg + psi * (x - self.w_avg)


class SynthesisLayer(nn.Module):
    def __init__(self, inputs, outputs, w_dim, size, up, conv_clamp):
        super().__init__()
        self.up, self.conv_clamp, self.activation, self.use_noise = up, conv_clamp, "lrelu", True
        self.register_buffer("resample_filter", _filter())
        self.affine = FullyConnectedLayer(w_dim, inputs, bias_init=1)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.register_buffer("noise_const", torch.randn(*size))
        self.noise_strength = nn.Parameter(torch.randn([]) / 3)
        self.bias = nn.Parameter(torch.randn(outputs) / 3)

    def forward(self, x, w):
        x = modulated_conv(x, self.weight, self.affine(w), demodulate=True, up=self.up == 2)
        x = x + self.noise_const * self.noise_strength + self.bias[:, None, None]
        return activate(x, self.conv_clamp)


class ToRGBLayer(nn.Module):
    def __init__(self, inputs, outputs, w_dim, conv_clamp):
        super().__init__()
        self.conv_clamp = conv_clamp
        self.affine = FullyConnectedLayer(w_dim, inputs, bias_init=1)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.bias = nn.Parameter(torch.randn(outputs) / 3)
        self.weight_gain = _numpy_float(1 / math.sqrt(inputs))

    def forward(self, x, w):
        style = self.affine(w) * float(self.weight_gain)
        x = modulated_conv(x, self.weight, style, demodulate=False, up=False)
        x = x + self.bias[:, None, None]
        return x if self.conv_clamp is None else x.clamp(-self.conv_clamp, self.conv_clamp)


class SynthesisBlock(nn.Module):
    def __init__(self, inputs, outputs, w_dim, resolution, conv_clamp, start=(4, 4)):
        super().__init__()
        size = [side * resolution // 4 for side in start]
        self.in_channels, self.resolution, self.architecture = inputs, resolution, "skip"
        self.register_buffer("resample_filter", _filter())
        if inputs == 0:
            self.const = nn.Parameter(torch.randn(outputs, *size))
        else:
            self.conv0 = SynthesisLayer(inputs, outputs, w_dim, size, 2, conv_clamp)
        self.conv1 = SynthesisLayer(outputs, outputs, w_dim, size, 1, conv_clamp)
        self.torgb = ToRGBLayer(outputs, 3, w_dim, conv_clamp)


class SynthesisNetwork(nn.Module):
    def __init__(self, w_dim, channels, conv_clamp, start=(4, 4)):
        super().__init__()
        self.w_dim, self.block_resolutions = w_dim, [4 << i for i in range(len(channels))]
        inputs = 0
        for resolution, outputs in zip(self.block_resolutions, channels, strict=True):
            block = SynthesisBlock(inputs, outputs, w_dim, resolution, conv_clamp, start)
            setattr(self, f"b{resolution}", block)
            inputs = outputs

    def forward(self, w):  # the same w for all layers
        x = image = None
        for resolution in self.block_resolutions:
            block = getattr(self, f"b{resolution}")
            first = block.in_channels == 0
            x = block.const.expand(len(w), -1, -1, -1) if first else block.conv0(x, w)
            x = block.conv1(x, w)
            rgb = block.torgb(x, w)
            image = rgb if first else upfirdn(image, up=2, pad=(2, 1), gain=4) + rgb
        return image


class Generator(nn.Module):
    def __init__(
        self,
        z_dim=16,
        w_dim=12,
        channels=(16, 16, 8),
        num_layers=2,
        conv_clamp=None,
        start=(4, 4),
        c_dim=0,
    ):
        super().__init__()
        self.z_dim, self.c_dim, self.w_dim = z_dim, c_dim, w_dim
        self.img_resolution, self.img_channels = 2 << len(channels), 3
        self.synthesis = SynthesisNetwork(w_dim, channels, conv_clamp, start)
        self.mapping = MappingNetwork(z_dim, w_dim, num_layers, c_dim)

    def forward(self, z, psi=1.0):
        return self.synthesis(self.mapping(z, psi))


def _filter() -> Tensor:
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return torch.outer(row, row)


# --- rosinality's names -------------------------------------------------------------------------


def rosinality_state(generator: Generator) -> dict[str, Tensor]:
    """The weights of a generator as stylegan2-pytorch keeps them, for tests of that layout."""
    source = generator.state_dict()
    kernel = _filter() * 4
    state: dict[str, Tensor] = {}
    for i in range(generator.mapping.num_layers):
        for kind in ("weight", "bias"):
            state[f"style.{i + 1}.{kind}"] = source[f"mapping.fc{i}.{kind}"]
    state["input.input"] = source["synthesis.b4.const"][None]
    convs = rgbs = noises = 0
    for resolution in generator.synthesis.block_resolutions:
        for layer in ("conv0", "conv1"):
            prefix = f"synthesis.b{resolution}.{layer}."
            if prefix + "weight" not in source:
                continue
            name = "conv1." if resolution == 4 else f"convs.{convs}."
            convs += resolution > 4
            state[name + "conv.weight"] = source[prefix + "weight"][None]
            state[name + "conv.modulation.weight"] = source[prefix + "affine.weight"]
            state[name + "conv.modulation.bias"] = source[prefix + "affine.bias"]
            if layer == "conv0":
                state[name + "conv.blur.kernel"] = kernel
            state[name + "noise.weight"] = source[prefix + "noise_strength"][None]
            state[name + "activate.bias"] = source[prefix + "bias"]
            state[f"noises.noise_{noises}"] = source[prefix + "noise_const"][None, None]
            noises += 1
        prefix = f"synthesis.b{resolution}.torgb."
        name = "to_rgb1." if resolution == 4 else f"to_rgbs.{rgbs}."
        if resolution > 4:
            rgbs += 1
            state[name + "upsample.kernel"] = kernel
        state[name + "bias"] = source[prefix + "bias"][None, :, None, None]
        state[name + "conv.weight"] = source[prefix + "weight"][None]
        state[name + "conv.modulation.weight"] = source[prefix + "affine.weight"]
        state[name + "conv.modulation.bias"] = source[prefix + "affine.bias"]
    return state
