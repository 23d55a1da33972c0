"""Aligned pictures go to another machine and are what they were there."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli import main
from backend.commands.train import pack
from backend.errors import BadSetting
from backend.training.aligned_file import AlignedFile
from backend.training.dataset import AlignedDataset


def test_archives_unpack_to_the_same_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portrait = cv2.resize(cv2.imread("assets/portrait.png"), (64, 64))
    with AlignedFile(tmp_path / "faces", 64) as file:
        for i, suffix in enumerate(("png", "webp", "jpg")):
            file.add(f"some/{i}.{suffix}", np.roll(portrait, 9 * i, axis=1))
    words = ["train", "pack", "--images", tmp_path / "faces", "-o", tmp_path / "packed", "--json"]
    assert main([str(word) for word in words]) == 0
    (path,) = json.loads(capsys.readouterr().out)["archives"]
    assert Path(path).name == "faces-0.zip"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "photos")
    words = ["train", "align", "--aligned", "--images", tmp_path / "photos"]
    words += ["-o", tmp_path / "again", "--resolution", 64, "--workers", 1, "--quiet"]
    assert main([str(word) for word in words]) == 0
    before, after = AlignedDataset(tmp_path / "faces"), AlignedDataset(tmp_path / "again")
    assert sorted(after.names) == sorted(before.names)
    for i, name in enumerate(after.names):
        was = before.picture(before.names.index(name)).astype(int)
        assert np.abs(after.picture(i) - was).mean() < 6  # what WebP leaves out
        assert np.abs(after.picture(i) - np.roll(was, 3, axis=1)).mean() > 9  # nothing moved


def test_no_archive_is_larger_than_allowed() -> None:
    pictures = [(f"a/{i}", bytes(300)) for i in range(7)]
    groups = list(pack._groups(iter(pictures), 1000))
    assert [len(group) for group in groups] == [2, 2, 2, 1]
    assert [name for group in groups for name, _ in group] == [name for name, _ in pictures]
    with pytest.raises(BadSetting, match="larger than an archive"):
        list(pack._groups(iter([("a/0", bytes(2000))]), 1000))


def test_an_archive_takes_what_its_entries_were_counted_for(tmp_path: Path) -> None:
    pictures = [(f"föl der/{i}.webp", bytes(50)) for i in range(100)]
    (group,) = pack._groups(iter(pictures), 1 << 20)
    counted = sum(len(p) + 2 * len(n.encode()) + pack._LISTED for n, p in group)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_STORED) as archive:
        for name, picture in group:
            archive.writestr(name, picture)
    assert (tmp_path / "x.zip").stat().st_size <= counted
