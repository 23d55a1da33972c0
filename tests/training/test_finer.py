"""A new finest block learns alone; what is below stays as it was."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from backend.bundles import find_bundle
from backend.bundles.bundle import Bundle, Part, read_bundle, write_bundle_json
from backend.bundles.networks import (
    load_generator,
    load_networks,
    new_segmentation_branch,
    save_network,
)
from backend.cli import main
from backend.models.codes import CodeDistribution
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.training.aligned_file import AlignedFile
from backend.training.finer.patches import (
    PATCH,
    before_finest,
    cut,
    draw_corners,
    finest_patches,
)

CONFIG = GeneratorConfig(resolution=128, channel_base=512, channel_max=32, z_dim=8, w_dim=16)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny generator of 128 x 128 with all that a bundle has, untrained."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    parts = tuple(Part(name, i, (i, i, i)) for i, name in enumerate(("background", "disc")))
    made = Bundle(folder, "tiny", "Tiny", "cats", "square", CONFIG, parts, (), "none", "none")
    save_network(Generator(CONFIG), made.path("generator"))
    save_network(Encoder(CONFIG), made.path("encoder"))
    branch = new_segmentation_branch(made)
    for weight in branch.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    save_network(branch, made.path("segmentation"))
    basis = torch.randn(8, CONFIG.n_ws, CONFIG.w_dim)
    save_network(
        CodeDistribution(torch.randn(CONFIG.n_ws, CONFIG.w_dim), basis), made.path("codes")
    )
    shutil.copyfile(find_bundle("faces").path("perceptual"), made.path("perceptual"))
    return write_bundle_json(made)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of noise, 256 x 256."""
    folder, rng = tmp_path_factory.mktemp("aligned"), np.random.default_rng(0)
    with AlignedFile(folder, 256) as file:
        for i in range(6):
            file.add(f"noise/{i}.png", rng.integers(0, 255, (256, 256, 3)).astype(np.uint8))
    return folder


@torch.no_grad()
def test_a_patch_is_what_the_whole_generator_shows_there() -> None:
    torch.manual_seed(0)
    small, large = Generator(CONFIG), Generator(GeneratorConfig(256, 512, 32, 8, 16))
    large.load_state_dict(small.state_dict(), strict=False)
    w_plus = torch.randn(2, CONFIG.n_ws, 16)
    longer = torch.cat([w_plus, w_plus[:, -1:], w_plus[:, -1:]], dim=1)
    corners = torch.tensor([[4, 60], [33, 10]])
    patches = finest_patches(
        large.blocks[-1], *before_finest(small, w_plus), [w_plus[:, -1]] * 3, corners
    )  # the noise of untrained networks has no strength
    expected = cut(large(longer)[0], 2 * corners, PATCH)
    torch.testing.assert_close(patches, expected, rtol=1e-4, atol=1e-4)


def test_windows_lie_within_the_margin_and_half_of_them_show_the_middle() -> None:
    torch.manual_seed(0)
    corners = draw_corners(400, 128).float()
    assert corners.min() >= 4 and corners.max() <= 128 - 64 - 4
    spread = corners[0::2].std(dim=0), corners[1::2].std(dim=0)
    assert (spread[0] < spread[1]).all()
    assert corners[0::2].mean(dim=0).tolist() == pytest.approx([0.35 * 128, 0.25 * 128], abs=1)


def trained(bundle: Bundle, aligned: Path, run: Path, until: int, *more: object) -> dict:
    words = ["train", "finer", "--bundle", bundle.folder, "--images", aligned, "--run", run]
    words += ["--known", 2, "--embedding-steps", 1, "--batch", 1, "--until", until]
    words += ["--adversarial-from", 2, "--save-every", 2, "--quiet", *more]
    assert main([str(word) for word in words]) == 0
    return torch.load(run / "state.pt", weights_only=True)


def test_a_run_resumes_exactly_and_becomes_a_bundle(
    bundle: Bundle, aligned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = trained(bundle, aligned, tmp_path / "whole", 6)
    for until in (2, 4):
        trained(bundle, aligned, tmp_path / "parts", until)
    out = tmp_path / "bundle"
    parts = trained(bundle, aligned, tmp_path / "parts", 6, "--output", out)
    assert parts["seen"] == 6
    for name, weight in whole["block"].items():
        assert torch.equal(weight, parts["block"][name]), name

    before, after = load_networks(bundle, CPU), load_networks(read_bundle(out), CPU)
    w_plus = load_generator(bundle).map(torch.randn(1, 8), truncation=0.5)
    longer = torch.cat([w_plus, w_plus[:, -1:], w_plus[:, -1:]], dim=1)
    _, features = before.generator(w_plus)
    large, more = after.generator(longer)
    assert large.shape[-1] == 256 and json.loads((out / "bundle.json").read_text())
    for a, b in zip(features, more, strict=False):
        torch.testing.assert_close(a, b)  # what edits and parts are made of
    logits = before.segmentation.probabilities(features)
    again = F.avg_pool2d(after.segmentation.probabilities(more)[None], 2)[0]
    assert (again - logits).abs().mean() < 0.05


CPU = torch.device("cpu")
