"""A small real model of random weights, and what a command leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from backend.bundles.bundle import Bundle, Part, read_bundle, write_bundle_json
from backend.bundles.networks import save_network
from backend.bundles.registry import BUILTIN
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.segmentation import SegmentationBranch

CONFIG = GeneratorConfig(
    resolution=32, channel_base=512, channel_max=16, z_dim=16, w_dim=16, mapping_layers=2
)
PARTS = ("background", "fur", "eyes")
COLORS = ((0, 0, 0), (200, 150, 90), (40, 120, 220))


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


Run = Callable[..., Outcome]


def make_bundle(folder: Path) -> None:
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    generator = Generator(CONFIG).eval()
    with torch.no_grad():
        generator.w_avg += generator.mapping(torch.randn(64, CONFIG.z_dim)).mean(dim=0)
        _, features = generator(generator.w_avg[None, None].expand(1, CONFIG.n_ws, -1))
    branch = balanced_branch(features)
    bundle = Bundle(
        folder=folder,
        name=folder.name,
        title="Tiny",
        domain="test squares",
        crop="square",
        config=CONFIG,
        parts=tuple(Part(n, i, c) for i, (n, c) in enumerate(zip(PARTS, COLORS, strict=True))),
        large=("background",),
        license="CC0",
        source="random numbers",
    )
    for name, network in {
        "generator": generator, "segmentation": branch, "encoder": Encoder(CONFIG)
    }.items():  # fmt: skip
        save_network(network, bundle.path(name), half=False)
    bundle.path("perceptual").symlink_to(BUILTIN / "faces" / "perceptual.safetensors")
    write_bundle_json(bundle)


def make_generator(folder: Path) -> None:
    """The same model as an import leaves it: without parts, and without an encoder."""
    make_bundle(folder)
    for name in ("segmentation", "encoder"):
        (folder / f"{name}.safetensors").unlink()
    write_bundle_json(replace(read_bundle(folder), parts=(), groups={}, large=()))


@torch.no_grad()
def balanced_branch(features: list[Tensor]) -> SegmentationBranch:
    """Random heads, scaled so that every part has about a third of the average picture."""
    branch = SegmentationBranch(CONFIG.feature_channels, len(PARTS), CONFIG.resolution, heads=10)
    for parameter in branch.parameters():
        parameter.copy_(torch.randn_like(parameter) * parameter.shape[-1] ** -0.5)
    branch.weight2.copy_(branch.weight2[:1].expand_as(branch.weight2))
    logits = branch.logits(features)
    mean, spread = logits.mean(dim=0), logits.std(dim=0)
    branch.weight2 *= 4 / spread
    branch.bias2.copy_((branch.bias2 - mean) * 4 / spread)
    return branch
