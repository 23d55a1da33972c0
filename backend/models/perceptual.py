"""Perceptual distances: LPIPS (VGG) when its weights are at hand, SqueezeNet features otherwise."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from backend.models.squeezenet import squeezenet_features

_SMALLEST_INPUT = 128  # below this the deeper features cover more padding than picture


class PerceptualNetwork(Protocol):
    """Features whose squared differences, averaged over space and summed over layers, are the
    distance."""

    name: str
    scale: (
        float  # brings its distance to about the size of LPIPS, so that one set of weights serves
    )

    def features(self, image: Tensor) -> list[Tensor]:
        """image (B, 3, H, W) in [-1, 1] -> layers (B, C, h, w), each of unit length over C."""


def at_least(image: Tensor, size: int) -> Tensor:
    """Enlarge (B, C, H, W) to `size` when it is smaller."""
    if image.shape[-1] >= size:
        return image
    return F.interpolate(image, size=(size, size), mode="bilinear", align_corners=False)


def unit_length(x: Tensor) -> Tensor:
    """Scale (B, C, H, W) to unit length over channels."""
    return x * torch.rsqrt(x.square().sum(dim=1, keepdim=True) + 1e-8)


def feature_distance(a: list[Tensor], b: list[Tensor]) -> Tensor:
    """Raw distance per picture, (B,): squared differences summed over channels, averaged over
    space.

    Multiply by the network's `scale`.
    """
    per_layer = [(x - y).float().square().sum(1).mean((1, 2)) for x, y in zip(a, b, strict=True)]
    return torch.stack(per_layer).sum(0)


class SqueezeNetFeatures(nn.Module):
    """SqueezeNet 1.1 (Caffe weights): the small stand-in for LPIPS, without learned layer
    weights."""

    name = "SqueezeNet 1.1 (stand-in for LPIPS)"
    scale = 0.1
    layers = (1, 4, 7, 9, 10, 11, 12)  # where LPIPS reads SqueezeNet
    channels = (64, 128, 256, 384, 384, 512, 512)
    mean: Tensor  # (3, 1, 1): Caffe's, of B'G'R' 0..255 in the order of the weights

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.network = squeezenet_features()
        prefix = "features."  # the classifier is not needed
        state = load_file(weights).items()
        self.network.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state if k.startswith(prefix)}
        )
        self.network.eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor([122.68, 116.67, 104.0])[:, None, None])

    def features(self, image: Tensor) -> list[Tensor]:
        x = (at_least(image, _SMALLEST_INPUT) + 1) * 127.5 - self.mean
        found = []
        for index, layer in enumerate(self.network):
            x = layer(x)
            if index in self.layers:
                found.append(unit_length(x))
        return found


class LpipsFeatures(nn.Module):
    """LPIPS v0.1 with VGG16 (Zhang et al. 2018); the weights of VGG16 are given by path."""

    name = "LPIPS (VGG)"
    scale = 1.0

    def __init__(self, vgg_weights: Path) -> None:
        super().__init__()
        import lpips

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # lpips calls torchvision's old signature
            self.network = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False)
        state = torch.load(vgg_weights, weights_only=True)
        slices = [getattr(self.network.net, f"slice{i + 1}") for i in range(5)]
        for part in slices:
            part.load_state_dict({k: state[f"features.{k}"] for k in part.state_dict()})
        self.eval().requires_grad_(False)

    def features(self, image: Tensor) -> list[Tensor]:
        layers = self.network.net(self.network.scaling_layer(at_least(image, 64)))
        weights = [head.model[-1].weight.clamp(min=0).sqrt() for head in self.network.lins]
        # LPIPS weighs squared differences by channel: the root goes into the features.
        return [unit_length(x) * w for x, w in zip(layers, weights, strict=True)]
