"""Face identity: is this still the same person? Embeddings of unit length, compared by cosine."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class IdentityNetwork(Protocol):
    name: str

    def embed(self, image: Tensor) -> Tensor:
        """image (B, 3, R, R) in [-1, 1], in the FFHQ-like frame -> (B, D), unit length."""


def _face_crop(image: Tensor, left: float, top: float, side: float, size: int) -> Tensor:
    """Cut the square (left, top, side; fractions of the frame) at `size`, to the nearest pixel."""
    whole = round(size / side)
    shrinking = image.shape[-1] > whole
    x = F.interpolate(image, size=(whole, whole), mode="bilinear", antialias=shrinking)
    row, column = round(top * whole), round(left * whole)
    return x[:, :, row : row + size, column : column + size]


def _conv_bn(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = inputs * expand
        self.conv = nn.Sequential(
            _conv_bn(inputs, hidden, 1, 1),
            _conv_bn(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.same = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.same else self.conv(x)


class DepthwiseSeparable(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn2(self.pointwise(F.relu(self.bn1(self.depthwise(x))))))


class GlobalDepthwise(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.depthwise(x))


class MobileFaceNet(nn.Module):
    """MobileFaceNet (Chen et al. 2018) trained with ArcFace: 112 x 112 faces to 128 numbers."""

    name = "MobileFaceNet (ArcFace)"
    # Expansion, channels, repeats, stride of the first.
    plan = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))

    mean: Tensor  # (3, 1, 1)
    std: Tensor  # (3, 1, 1)

    def __init__(self, weights: Path | None = None) -> None:
        super().__init__()
        self.conv1 = _conv_bn(3, 64, 3, 2)
        self.dw_conv = DepthwiseSeparable(64)
        blocks, inputs = [], 64
        for expand, outputs, repeats, stride in self.plan:
            for i in range(repeats):
                blocks.append(InvertedResidual(inputs, outputs, stride if i == 0 else 1, expand))
                inputs = outputs
        self.features = nn.Sequential(*blocks)
        self.conv2 = _conv_bn(inputs, 512, 1, 1)
        self.gdconv = GlobalDepthwise(512)
        self.conv3 = nn.Conv2d(512, 128, 1)
        self.bn = nn.BatchNorm1d(128)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None], False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225])[:, None, None], False)
        if weights is not None:
            self.load_state_dict(_with_counters(self, load_file(weights)))
        self.eval().requires_grad_(False)
        _fold_batch_norms(self)

    def embed(self, image: Tensor) -> Tensor:
        # Where ArcFace's 112 px template lies in an FFHQ-like frame of average proportions.
        x = _face_crop(image, 0.104, 0.107, 0.794, 112)
        x = ((x + 1) / 2 - self.mean) / self.std
        x = self.conv2(self.features(self.dw_conv(self.conv1(x))))
        x = self.bn(self.conv3(self.gdconv(x)).flatten(1))
        return F.normalize(x.float(), dim=1)


def _with_counters(network: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Batch norm's step counters are not in the weight file; they do not matter when frozen."""
    counters = {k: v for k, v in network.state_dict().items() if k.endswith("num_batches_tracked")}
    return counters | state


def _fold_batch_norms(network: nn.Module) -> None:
    """Let frozen convolutions do the work of the batch norms that follow them."""
    for module in network.modules():
        for (name, conv), (after, norm) in pairwise(module.named_children()):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(conv, norm))
                setattr(module, after, nn.Identity())


class FaceNet(nn.Module):
    """facenet-pytorch's InceptionResnetV1 (VGGFace2), its weights given by path."""

    name = "InceptionResnetV1 (VGGFace2)"

    def __init__(self, weights: Path) -> None:
        super().__init__()
        from facenet_pytorch import InceptionResnetV1

        self.network = InceptionResnetV1(pretrained=None, classify=False)
        state = torch.load(weights, weights_only=True, map_location="cpu")
        self.network.load_state_dict({k: v for k, v in state.items() if "logits" not in k})
        self.eval().requires_grad_(False)

    def embed(self, image: Tensor) -> Tensor:
        x = _face_crop(image, 0.13, 0.13, 0.74, 160) * (127.5 / 128)
        return F.normalize(self.network(x).float(), dim=1)
