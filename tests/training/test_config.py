"""Hyper-parameters from files and from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.bundles.registry import BUILTIN
from backend.errors import BadSetting
from backend.training.config import FinerConfig, TrainingConfig, configured, read_config


@pytest.mark.parametrize("name", ["faces", "cats", "cars"])
def test_the_files_beside_the_cards_fit(name: str) -> None:
    config = configured(TrainingConfig, read_config(BUILTIN / f"{name}.training.toml"))
    assert config != TrainingConfig()


def test_later_sources_win_and_none_says_nothing() -> None:
    config = configured(TrainingConfig, {"batch": 8, "seed": 1}, {"batch": 16, "seed": None})
    assert (config.batch, config.seed, config.momentum) == (16, 1, TrainingConfig().momentum)


def test_values_take_the_type_of_their_field(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("same_weight = 3\n")
    config = configured(FinerConfig, read_config(tmp_path / "a.toml"))
    assert isinstance(config.same_weight, float)


@pytest.mark.parametrize(
    ("text", "said"),
    [("bacth = 4", "'bacth'; there are batch"), ("seed = true", "number"), ("seed =", "TOML file")],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(BadSetting, match=said):
        configured(TrainingConfig, read_config(path))


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="cannot be read"):
        read_config(tmp_path / "none.toml")
