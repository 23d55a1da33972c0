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
from backend.errors import BadSetting
from backend.models.codes import CodeDistribution
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.training.aligned_file import AlignedFile
from backend.training.config import FinerConfig
from backend.training.finer import trainer as finer
from backend.training.finer.patches import (
    PATCH,
    before_finest,
    cut,
    draw_corners,
    finest_patches,
)
from backend.training.finer.trainer import FinerTrainer

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


def test_small_pictures_lend_their_codes_but_no_detail(bundle: Bundle) -> None:
    torch.manual_seed(0)
    trainer = FinerTrainer(bundle, FinerConfig(), bundle.path("perceptual"))
    small, large = torch.rand(3, 3, 128, 128), torch.rand(2, 3, 256, 256)
    shown: list[torch.Tensor] = []
    trainer.critic.train = lambda real, *rest: shown.append(real) or torch.zeros(())  # type: ignore
    codes = trainer.encode(large)
    expected = trainer.encoder(F.avg_pool2d(large, 2), trainer.small.w_avg)
    torch.testing.assert_close(codes, expected)

    losses = trainer.step(large.clone(), codes, small)
    assert trainer.seen == 5 and all(loss.isfinite() for loss in losses.values())
    (real,) = shown
    assert real.shape == (5, 3, PATCH, PATCH)
    detail = (real - F.avg_pool2d(real, 3, 1, 1)).square().mean(dim=(1, 2, 3))
    assert detail[2:].min() > 0.8 * detail[:2].min()  # noise at full size, none of it enlarged


def test_the_first_folder_needs_large_pictures(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with AlignedFile(tmp_path / "small", 128) as file:
        file.add("noise/0.png", np.zeros((128, 128, 3), np.uint8))
    words = ["train", "finer", "--bundle", bundle.folder, "--images", tmp_path / "small"]
    assert main([str(word) for word in [*words, "--run", tmp_path / "run", "--known", 1]]) == 2
    assert "--resolution 256" in capsys.readouterr().err


def test_a_run_by_the_clock_ends_is_saved_and_scored(
    bundle: Bundle, aligned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = tmp_path / "held.txt"
    held.write_text("noise/4.png noise/5.png")
    words = ["train", "finer", "--json", "--bundle", bundle.folder, "--images", aligned]
    words += ["--run", tmp_path / "run", "--known", 2, "--embedding-steps", 1, "--batch", 1]
    words += ["--minutes", 1e-4, "--held-out", held]
    assert main([str(word) for word in words]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["seen"] == 2 == torch.load(tmp_path / "run/state.pt", weights_only=True)["seen"]
    scores = report["unseen"]
    assert scores["before"]["perceptual"] == pytest.approx(scores["after"]["perceptual"], rel=0.2)
    assert scores["after"]["sharpness"] < 0.9  # an untrained generator of a photo of noise


class Judging(torch.nn.Module):
    """Stands for EfficientNet-Lite0, whose weights are not shipped."""

    name, channels = "another network", (3, 3)

    def __init__(self, weights: Path) -> None:
        super().__init__()

    def features(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [F.avg_pool2d(image, 4), F.avg_pool2d(image, 8)]


def test_the_discriminator_works_on_other_features_and_a_run_keeps_to_them(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finer, "EfficientNetFeatures", Judging)
    torch.manual_seed(0)
    settings, weights = FinerConfig(adversarial_from=0), bundle.path("perceptual")
    trainer = FinerTrainer(bundle, settings, weights, judging=weights)
    pictures = torch.rand(2, 3, 256, 256)
    losses = trainer.step(pictures, trainer.encode(pictures), pictures)
    assert losses["adversarial"].isfinite() and len(trainer.critic.discriminator.heads) == 2
    FinerTrainer(bundle, settings, weights, judging=weights).restore(trainer.state())
    with pytest.raises(BadSetting, match="another network"):
        FinerTrainer(bundle, settings, weights).restore(trainer.state())


CPU = torch.device("cpu")
