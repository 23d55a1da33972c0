"""Networks of any size with random weights: what a step costs does not depend on training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from backend.bundles.networks import Networks
from backend.editing.objective import EditTarget
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.perceptual import SqueezeNetFeatures
from backend.models.runtime.precision import channels_last
from backend.models.segmentation import SegmentationBranch

ROOT = Path(__file__).resolve().parents[1]
PERCEPTUAL = ROOT / "backend" / "bundles" / "builtin" / "faces" / "perceptual.safetensors"


def config_f(resolution: int) -> GeneratorConfig:
    """The size that the paper uses: config f of StyleGAN2."""
    return GeneratorConfig(
        resolution, channel_base=32768, channel_max=512, z_dim=512, w_dim=512, mapping_layers=8
    )


def random_networks(config: GeneratorConfig, classes: int, device: str = "cpu") -> Networks:
    """Generator and branch with random weights, the shipped perceptual network, no identity."""
    torch.manual_seed(0)
    generator = Generator(config)
    branch = SegmentationBranch(config.feature_channels, classes, config.resolution)
    _kaiming(branch, sum(config.feature_channels))
    perceptual = SqueezeNetFeatures(PERCEPTUAL)
    networks: dict[str, nn.Module] = {
        "generator": generator,
        "segmentation": branch,
        "encoder": Encoder(config),
        "perceptual": perceptual,
    }
    frozen = {k: v.eval().requires_grad_(False).to(device) for k, v in networks.items()}
    for name in ("generator", "encoder", "perceptual"):
        channels_last(frozen[name])
    return Networks(**frozen, identity=None)  # type: ignore[arg-type]


def _kaiming(branch: SegmentationBranch, inputs: int) -> None:
    """Weights that keep the variance of activations at about one, logits included."""
    for weight in branch.weight0:
        nn.init.normal_(weight, std=(2 / inputs) ** 0.5)
    for weight in (branch.weight1, branch.weight2):
        nn.init.normal_(weight, std=(2 / weight.shape[1]) ** 0.5)
    for bias in (branch.bias0, branch.bias1, branch.bias2):
        nn.init.normal_(bias, std=0.1)


@dataclass(frozen=True, eq=False)
class Problem:
    """One edit: w_plus (1, n_ws, w_dim), a delta to take the step at, G(w+) and the target."""

    w_plus: Tensor
    delta: Tensor
    before: Tensor
    target: EditTarget


def random_problem(networks: Networks, *, share: float = 0.1) -> Problem:
    """An edit of a fixed region that covers `share` of the label map: two eyes and a mouth."""
    generator, side = networks.generator, networks.segmentation.resolution
    device = generator.w_avg.device
    random = torch.Generator().manual_seed(1)
    z = torch.randn(1, generator.config.z_dim, generator=random).to(device)
    with torch.no_grad():
        w_plus = generator.map(z)
        before, _ = generator(w_plus)
    delta = 0.1 * torch.randn(w_plus.shape, generator=random).to(device)
    region = torch.from_numpy(face_like_region(side, share))
    wanted = torch.randint(networks.segmentation.classes, (side, side), generator=random)
    removed = torch.zeros(side, side, dtype=torch.int64)
    removed[: side // 2, : side // 2] = 1  # the left eye's pixels lost their part and gained none
    valid = torch.ones(side, side, dtype=torch.bool)
    changed = wanted % 4 == 0
    arrays = (wanted, region, changed, removed, valid)
    target = EditTarget(*(a.to(device) for a in arrays))
    return Problem(w_plus, delta, before, target)


def face_like_region(side: int, share: float) -> np.ndarray:
    """Two eyes and a mouth, bool [side, side], the `share` of pixels that lie nearest to them."""
    y, x = (np.indices((side, side)) + 0.5) / side
    blobs = ((0.38, 0.47, 1.0, 0.6), (0.62, 0.47, 1.0, 0.6), (0.5, 0.7, 1.6, 0.8))
    distance = np.min([((x - u) / a) ** 2 + ((y - v) / b) ** 2 for u, v, a, b in blobs], axis=0)
    region = np.zeros(side * side, bool)
    region[np.argsort(distance, axis=None, kind="stable")[: round(share * side * side)]] = True
    return region.reshape(side, side)
