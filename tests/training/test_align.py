"""Aligning training pictures: what is bad is skipped and named, what interrupts loses nothing."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli import main
from backend.errors import BadImage, BadSetting
from backend.training import align as aligning
from backend.training.align import align
from backend.training.aligned_file import AlignedFile
from backend.training.dataset import AlignedDataset

SIDE = 16


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three grey squares of a domain without a detector, and what a folder holds besides."""
    folder = tmp_path / "squares"
    folder.mkdir()
    for i in range(3):
        cv2.imwrite(str(folder / f"{i}.png"), np.full((40, 40, 3), 60 * i + 30, np.uint8))
    whole = (folder / "0.png").read_bytes()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / "cut.png"), noise)
    cut = (folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(cut[: len(cut) // 2])
    (folder / "text.jpg").write_text("no picture")
    (folder / "1_parts.png").write_bytes(whole)
    cv2.imwrite(str(folder / "tiny.png"), np.zeros((7, 7, 3), np.uint8))
    return folder


def done(folder: Path) -> list[int]:
    """The grey of each picture that was kept."""
    data = AlignedDataset(folder)
    return [int(data.picture(i).mean().round()) for i in range(len(data))]


def test_what_is_bad_is_skipped_counted_and_named(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "align", "--images", photos, "-o", tmp_path / "out", "--domain", "cats"]
    words += ["--resolution", SIDE, "--workers", 1]
    assert main([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    assert "3 pictures" in out and "2 skipped: cannot be read" in out
    assert "1 skipped: too small" in out
    assert "squares/cut.png: cannot be read" in err and "squares/tiny.png: too small" in err
    assert "parts" not in err  # a label map is no photo
    assert done(tmp_path / "out") == [30, 90, 150]


def test_an_interruption_loses_nothing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "out", []

    def one_by_one(paths, domain, resolution, workers):
        for path in paths:
            if len(seen) == 3:
                raise KeyboardInterrupt
            seen.append(path.name)
            yield f"squares/{path.name}", aligning._align_one(path, domain, resolution)

    monkeypatch.setattr(aligning, "_aligned", one_by_one)
    with pytest.raises(KeyboardInterrupt):
        align([photos], out, "cats", SIDE, 1, quiet=True)
    assert done(out) == [30, 90, 150]  # what there was is a data set already
    with (out / "images.npy").open("ab") as file:
        file.write(b"half a picture")
    with (out / AlignedFile.OUTCOMES).open("a") as file:
        file.write('["squares/cu')
    first = list(seen)
    monkeypatch.undo()
    kept, skipped = align([photos], out, "cats", SIDE, 1, quiet=True)
    assert (kept, skipped) == (3, {"cannot be read": 2, "too small": 1})
    assert done(out) == [30, 90, 150] and len(first) == 3
    assert json.loads((out / "names.json").read_text()) == [f"squares/{i}.png" for i in range(3)]


def test_another_resolution_needs_another_folder(photos: Path, tmp_path: Path) -> None:
    align([photos], tmp_path / "out", "cats", SIDE, 1, quiet=True)
    with pytest.raises(BadSetting, match="16 pixels"):
        align([photos], tmp_path / "out", "cats", 2 * SIDE, 1, quiet=True)
    assert done(tmp_path / "out") == [30, 90, 150]


def test_folders_of_earlier_versions_are_gone_on_with(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    align([photos], out, "cats", SIDE, 1, quiet=True)
    (out / AlignedFile.OUTCOMES).unlink()
    assert align([photos], out, "cats", SIDE, 1, quiet=True)[0] == 3
    assert done(out) == [30, 90, 150]


def test_a_full_disk_leaves_what_was_written(tmp_path: Path) -> None:
    picture = np.full((SIDE, SIDE, 3), 7, np.uint8)

    class Full:
        def __init__(self, file) -> None:
            self._file = file

        def __getattr__(self, name: str):
            return getattr(self._file, name)

        def write(self, data) -> int:
            if len(data) > 200:
                self._file.write(data[:100])
                raise OSError(28, "No space left on device")
            return self._file.write(data)

    with pytest.raises(OSError, match="space"), AlignedFile(tmp_path / "out", SIDE) as file:
        file.add("a/1.png", picture)
        file._images = Full(file._images)
        file.add("a/2.png", picture)
    assert done(tmp_path / "out") == [7]
    with AlignedFile(tmp_path / "out", SIDE) as file:
        assert list(file.outcomes) == ["a/1.png"]
        file.add("a/2.png", picture + 1)
    assert done(tmp_path / "out") == [7, 8]


def test_photos_none_of_which_serve_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"")
    with pytest.raises(BadImage, match="None of these photos"):
        align([tmp_path / "bad"], tmp_path / "out", "cats", SIDE, 1, quiet=True)


def test_folders_of_several_sizes_make_one_set(tmp_path: Path) -> None:
    for name, side, count in (("small", 9, 6), ("large", 20, 10)):
        with AlignedFile(tmp_path / name, side) as file:
            for i in range(count):
                file.add(f"{name}/{i}.png", np.full((side, side, 3), i, np.uint8))
    often = frozenset({"large/3.png"})
    left_out = frozenset({"small/0.png"})
    folders = [tmp_path / "small", tmp_path / "large"]
    data = AlignedDataset(folders, exclude=left_out, often=often)
    assert len(data) == 5 + 9 + 10
    assert data.batch([0, 5], 16).shape == (2, 3, 16, 16)
    batches = data.batches(2, 16, 0, 0)
    some = [next(batches) for _ in range(11)]
    sides = {batch.shape[-1] for batch in some}
    assert sides == {8, 16} and all(len(batch) == 2 for batch in some)
    again = data.batches(2, 16, 0, 12)  # six batches in
    assert all((next(again) == batch).all() for batch in some[6:])
    values = np.concatenate([np.round((b.mean((1, 2, 3)).numpy() + 1) * 127.5) for b in some])
    assert (values == 3).sum() >= 9  # drawn ten times as often
