"""Samples labelled by a parser: only what it is sure of is learnt from."""

import numpy as np
import pytest
import torch

from backend.bundles.bundle import Part
from backend.editing.photo_parts import PhotoParts
from backend.models.config import GeneratorConfig
from backend.models.generator import Generator
from backend.training import parsed_samples as module

CONFIG = GeneratorConfig(resolution=32, channel_base=512, channel_max=32, z_dim=8, w_dim=16)
PARTS = (Part("background", 0, (0, 0, 0)), Part("skin", 1, (9, 9, 9)))


def seen_as(sure: float, covered: float) -> PhotoParts:
    """The left half is background, the right half skin; the lowest quarter is doubtful."""
    skin = np.zeros((64, 64), np.float32)
    skin[:, 32:] = 1
    parts = np.stack([1 - skin, skin])
    parts[:, 48:] = np.where(parts[:, 48:] > 0, sure, 1 - sure)
    cover = np.zeros((64, 64), np.float32)
    cover[: int(64 * covered)] = 1
    return PhotoParts(parts, cover, skin, np.zeros_like(skin))


def test_samples_and_pixels_that_are_unsure_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Generator(CONFIG).eval()
    views = iter([seen_as(0.6, 0), seen_as(0.9, 0), seen_as(0.9, 0.5), seen_as(0.9, 0)])
    monkeypatch.setattr(module, "read_parts", lambda *_, **__: next(views))
    codes, crops = module.parsed_samples(generator, None, PARTS, 4, 32, quiet=True)
    assert [crop.name for crop in crops] == ["sample 0", "sample 1", "sample 3"]
    assert crops[0].labels[3, 3] == 0 and crops[0].labels[3, 29] == 1
    assert crops[0].labelled[:22].all() and not crops[0].labelled[26:].any()
    assert crops[1].labelled.all()
    rebuilt = generator(codes[0])[0][0].permute(1, 2, 0).clamp(-1, 1).detach().numpy()
    assert np.abs(rebuilt - crops[0].image).max() < 0.01
    again = torch.randn(1, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(codes[1], generator.map(again, truncation=0.9))
