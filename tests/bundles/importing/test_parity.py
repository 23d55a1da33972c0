"""An imported generator draws the same picture as the original formulation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from checkpoint_files import write_nvidia, write_rosinality
from importing_checks import check_same_pictures, original

from backend.bundles.importing.read import read_here


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_nvidia_pickle(tmp_path: Path, protocol: int) -> None:
    generator = original()
    write_nvidia(tmp_path / "a.pkl", generator, protocol=protocol)
    found = read_here(tmp_path / "a.pkl")
    check_same_pictures(found, generator)
    check_same_pictures(found, generator, psi=0.5)
    assert found.notes == ()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_rosinality(tmp_path: Path, legacy: bool) -> None:
    generator = original(z_dim=12, num_layers=8)
    write_rosinality(tmp_path / "a.pt", generator, legacy=legacy)
    found = read_here(tmp_path / "a.pt")
    check_same_pictures(found, generator)
    check_same_pictures(found, generator, psi=0.5)


def test_clamped_as_networks_trained_in_half_precision_are(tmp_path: Path) -> None:
    generator = original(conv_clamp=1.5)  # 256 in real ones: here it must bite
    write_nvidia(tmp_path / "a.pkl", generator)
    found = read_here(tmp_path / "a.pkl")
    assert found.config.conv_clamp == 1.5
    check_same_pictures(found, generator)


def test_half_precision_weights(tmp_path: Path) -> None:
    generator = original().half().float()
    write_nvidia(tmp_path / "a.pkl", generator, change=lambda g: g.half())
    check_same_pictures(read_here(tmp_path / "a.pkl"), generator)


def test_shape_is_told_by_the_tensors(tmp_path: Path) -> None:
    write_nvidia(tmp_path / "a.pkl", original(channels=(16, 16, 8, 4), num_layers=2))
    config = read_here(tmp_path / "a.pkl").config
    assert (config.resolution, config.channel_base, config.channel_max) == (32, 128, 16)
    assert (config.mapping_layers, config.z_dim, config.w_dim) == (2, 16, 12)
    assert config.channel_table is None and config.conv_clamp is None


def test_channels_that_follow_no_rule(tmp_path: Path) -> None:
    generator = original(channels=(8, 16, 12, 5))
    write_nvidia(tmp_path / "a.pkl", generator)
    found = read_here(tmp_path / "a.pkl")
    assert found.config.channel_table == (8, 16, 12, 5)
    check_same_pictures(found, generator)


def test_a_training_run_without_the_mean_of_w(tmp_path: Path) -> None:
    generator = original(z_dim=12)
    write_rosinality(tmp_path / "a.pt", generator, finished=False)
    found = read_here(tmp_path / "a.pt")
    check_same_pictures(found, generator)
    z = torch.randn(20_000, 12, generator=torch.Generator().manual_seed(9))
    mean = generator.mapping(z).mean(dim=0)
    assert (found.state["w_avg"] - mean).abs().max() < 0.05
    assert "mean of w" in found.notes[0]
