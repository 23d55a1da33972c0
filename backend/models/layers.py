"""Layers that the generator, the encoder and the discriminator share."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LRELU_SLOPE = 0.2
LRELU_GAIN = math.sqrt(2)  # keeps the variance of activations at one


def leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU with the gain that StyleGAN2 bakes into every activation."""
    return F.leaky_relu(x, LRELU_SLOPE) * LRELU_GAIN


class EqualLinear(nn.Module):
    """Linear layer with equalised learning rate (Karras et al. 2018, section 4.1).

    Weights are stored N(0, 1) / lr_multiplier and scaled when used.
    """

    def __init__(
        self, inputs: int, outputs: int, *, bias_init: float = 0.0, lr_multiplier: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), float(bias_init)))
        self.weight_gain = lr_multiplier / math.sqrt(inputs)
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.t()
        return torch.addmm(self.bias, x, weight, beta=self.bias_gain, alpha=self.weight_gain)
