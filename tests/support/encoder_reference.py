"""The encoders of pSp, e4e and EditGAN's release written out layer by layer, as their papers and
programs define them; independent of backend.models."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EqualLinear(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(size, size))
        self.bias = nn.Parameter(torch.randn(size) / 5)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.t() / math.sqrt(self.weight.shape[1]) + self.bias


def _styled(size: int, halvings: int, linear: nn.Module) -> nn.Module:
    block = nn.Module()
    layers: list[nn.Module] = []
    for _ in range(halvings):
        layers += [nn.Conv2d(size, size, 3, stride=2, padding=1), nn.LeakyReLU()]
    block.convs, block.linear = nn.Sequential(*layers), linear
    return block


def _trained(network: nn.Module) -> None:
    """Statistics as a trained network has them: a batch norm that changes something."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)


class _Excite(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean(dim=(2, 3), keepdim=True)))))


class _Unit(nn.Module):
    def __init__(self, inputs: int, depth: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        if inputs != depth:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(inputs, depth, 1, stride, bias=False), nn.BatchNorm2d(depth)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs), nn.Conv2d(inputs, depth, 3, 1, 1, bias=False),
            nn.PReLU(depth), nn.Conv2d(depth, depth, 3, stride, 1, bias=False),
            nn.BatchNorm2d(depth), _Excite(depth),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        whole = hasattr(self, "shortcut_layer")
        short = self.shortcut_layer(x) if whole else x[:, :, :: self.stride, :: self.stride]
        return self.res_layer(x) + short


class GradualStyleEncoder(nn.Module):
    """pSp's; `forward(x, e4e=True)` reads the same weights as e4e does."""

    def __init__(self, narrow: int, styles: int) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, narrow, 3, 1, 1, bias=False), nn.BatchNorm2d(narrow), nn.PReLU(narrow)
        )
        units, inputs = [], narrow
        for depth, count in ((narrow, 3), (2 * narrow, 4), (4 * narrow, 14), (8 * narrow, 3)):
            units += [_Unit(inputs, depth, 2), *(_Unit(depth, depth, 1) for _ in range(count - 1))]
            inputs = depth
        self.body = nn.Sequential(*units)
        halvings = [4] * 3 + [5] * 4 + [6] * styles
        heads = (_styled(inputs, n, EqualLinear(inputs)) for n in halvings[:styles])
        self.styles = nn.ModuleList(heads)
        self.latlayer1 = nn.Conv2d(inputs // 2, inputs, 1)
        self.latlayer2 = nn.Conv2d(inputs // 4, inputs, 1)
        _trained(self)

    def forward(self, x: Tensor, *, e4e: bool = False) -> Tensor:
        x = self.input_layer(x)
        kept = {}
        for i, unit in enumerate(self.body):
            x = kept[i] = unit(x)
        c1, c2, c3 = kept[6], kept[20], kept[23]
        p2 = self._add(c3, self.latlayer1(c2))
        p1 = self._add(p2, self.latlayer2(c1))
        codes = []
        for i, style in enumerate(self.styles):
            features = c3 if i < 3 else p2 if i < 7 else p1
            code = style.linear(style.convs(features).flatten(1))
            codes.append(code + codes[0] if e4e and i else code)
        return torch.stack(codes, dim=1)

    @staticmethod
    def _add(coarse: Tensor, fine: Tensor) -> Tensor:
        return F.interpolate(coarse, fine.shape[2:], mode="bilinear", align_corners=True) + fine


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * inner, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * inner)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != 4 * inner:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, 4 * inner, 1, stride, bias=False), nn.BatchNorm2d(4 * inner)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(y)))))
        return torch.relu(y + self.shortcut(x))


class FPNEncoder(nn.Module):
    """EditGAN's release: codes from three levels of a feature pyramid on a ResNet-50."""

    def __init__(self, narrow: int, w_dim: int, codes: int) -> None:
        super().__init__()
        pyramid = self.FPN_module = nn.Module()
        pyramid.conv1 = nn.Conv2d(3, narrow, 7, 2, 3, bias=False)
        pyramid.bn1 = nn.BatchNorm2d(narrow)
        inputs = narrow
        for i, count in enumerate((3, 4, 6, 3)):
            inner, blocks = narrow << i, []
            for j in range(count):
                blocks.append(_Bottleneck(inputs, inner, 2 if i and not j else 1))
                inputs = 4 * inner
            setattr(pyramid, f"layer{i + 1}", nn.Sequential(*blocks))
        pyramid.toplayer = nn.Conv2d(inputs, w_dim, 1)
        for i in (1, 2, 3):
            setattr(pyramid, f"latlayer{i}", nn.Conv2d(inputs >> i, w_dim, 1))
            setattr(pyramid, f"smooth{i}", nn.Conv2d(w_dim, w_dim, 3, 1, 1))
        for name, count, halvings in (("course", 3, 5), ("medium", 4, 6), ("fine", codes - 7, 7)):
            heads = (_styled(w_dim, halvings, nn.Linear(w_dim, w_dim)) for _ in range(count))
            setattr(self, f"{name}_styles", nn.ModuleList(heads))
        _trained(self)

    def forward(self, x: Tensor) -> Tensor:
        f = self.FPN_module
        c1 = F.max_pool2d(torch.relu(f.bn1(f.conv1(x))), 3, 2, 1)
        c2 = f.layer1(c1)
        c3 = f.layer2(c2)
        c4 = f.layer3(c3)
        c5 = f.layer4(c4)
        p4 = self._add(f.toplayer(c5), f.latlayer1(c4))
        p3 = self._add(p4, f.latlayer2(c3))
        p2 = self._add(p3, f.latlayer3(c2))
        p4, p3, p2 = f.smooth1(p4), f.smooth2(p3), f.smooth3(p2)
        codes = []
        for heads, p in (
            (self.course_styles, p4),
            (self.medium_styles, p3),
            (self.fine_styles, p2),
        ):
            codes += [head.linear(head.convs(p).flatten(1)) for head in heads]
        return torch.stack(codes, dim=1)

    @staticmethod
    def _add(coarse: Tensor, fine: Tensor) -> Tensor:
        return F.interpolate(coarse, fine.shape[2:], mode="bilinear", align_corners=False) + fine
