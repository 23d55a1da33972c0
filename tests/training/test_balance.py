"""Rare ages and skin tones are drawn more often."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli import main
from backend.commands.train import balance as command
from backend.errors import BadImage
from backend.training.aligned_file import AlignedFile
from backend.training.balance import draws, group, skin_angle
from backend.training.dataset import AlignedDataset, read_draws
from backend.training.noted import Noted, notes_beside

DARK, MIDDLE, LIGHT = (90, 60, 45), (190, 145, 115), (240, 205, 190)  # R'G'B' of skin


def test_skin_tones_are_told_apart_whatever_surrounds_them() -> None:
    skin = np.zeros((64, 64), bool)
    skin[20:50, 20:50] = True
    angles = []
    for colour in (DARK, MIDDLE, LIGHT):
        picture = np.full((64, 64, 3), (0, 0, 255), np.uint8)
        picture[skin] = colour
        angles.append(skin_angle(picture, skin))
    assert angles[0] < 0 < 10 < angles[1] < 41 < angles[2]
    assert [group(angle, None)[0] for angle in angles] == [0, 2, 3]
    assert skin_angle(picture, skin & False) is None
    assert group(None, None) is None and group(None, 60) == (-1, 3)
    assert len({group(20, years) for years in (10, 25, 40, 60)}) == 4


def test_small_groups_are_drawn_more_often_but_not_without_end() -> None:
    groups = ["a"] * 40 + ["b"] * 10 + ["c"] + [None]
    assert draws(groups) == [1] * 40 + [4] * 10 + [10, 1]
    assert draws([None]) == [1] and draws([]) == []


def test_the_command_writes_what_training_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    portrait = cv2.cvtColor(cv2.imread("assets/portrait.png"), cv2.COLOR_BGR2RGB)
    portrait = cv2.resize(portrait, (128, 128), interpolation=cv2.INTER_AREA)
    with AlignedFile(tmp_path / "aligned", 128) as file:
        for i in range(3):
            file.add(f"light/{i}.png", portrait)
        file.add("dark/0.png", (portrait * 0.45).astype(np.uint8))
    words = ["train", "balance", "--images", tmp_path / "aligned", "-o", tmp_path / "draws.json"]
    assert main([str(word) for word in [*words, "--json"]]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["looked_at"] == 4 and sorted(report["groups"].values()) == [1, 3]
    shown = command.describe(command.BalanceTrainingReport(**report))
    assert "6 drawn" in shown and report["drawn"] == 3 + 3
    times = read_draws(tmp_path / "draws.json")
    assert times == {"dark/0.png": 3}
    data = AlignedDataset(tmp_path / "aligned", draws=times, often=frozenset({"light/1.png"}))
    counts = np.bincount(data.kept)
    assert dict(zip(data.names, counts.tolist(), strict=True)) == {
        "light/0.png": 1, "light/1.png": 10, "light/2.png": 1, "dark/0.png": 3
    }  # fmt: skip


def test_an_interrupted_look_goes_on_where_it_was(tmp_path: Path) -> None:
    path = notes_beside(tmp_path / "runs" / "closed.txt")
    with pytest.raises(KeyboardInterrupt), Noted(path) as notes:
        notes.note("a/1.png", 0.5)
        notes.note("a/ü.png", None)
        raise KeyboardInterrupt
    with path.open("a") as file:
        file.write('["a/3.png", 0.')  # interrupted within a line
    with Noted(path) as notes:
        assert notes.values == {"a/1.png": 0.5, "a/ü.png": None}
        notes.note("a/3.png", 1)
    with Noted(path) as notes:
        assert list(notes.values) == ["a/1.png", "a/ü.png", "a/3.png"]


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": "often"}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "draws.json").write_text(text)
    with pytest.raises(BadImage, match="how often"):
        read_draws(tmp_path / "draws.json")
