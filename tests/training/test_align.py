"""Aligning training pictures: what is bad is skipped and named, what interrupts loses nothing."""

import json
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.cli import main
from backend.errors import BadImage, BadSetting
from backend.models.letterbox import GREY, shown_area
from backend.training import align as aligning
from backend.training.align import ALIGNED, Framing, align
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

    def one_by_one(sources, framing, workers):
        for source in sources:
            if len(seen) == 3:
                raise KeyboardInterrupt
            seen.append(source.name)
            yield source.name, aligning._align_one(source, framing)

    monkeypatch.setattr(aligning, "_aligned", one_by_one)
    with pytest.raises(KeyboardInterrupt):
        align([photos], out, Framing("cats", SIDE), 1, quiet=True)
    assert done(out) == [30, 90, 150]  # what there was is a data set already
    with (out / "images.npy").open("ab") as file:
        file.write(b"half a picture")
    with (out / AlignedFile.OUTCOMES).open("a") as file:
        file.write('["squares/cu')
    first = list(seen)
    monkeypatch.undo()
    kept, skipped = align([photos], out, Framing("cats", SIDE), 1, quiet=True)
    assert (kept, skipped) == (3, {"cannot be read": 2, "too small": 1})
    assert done(out) == [30, 90, 150] and len(first) == 3
    assert json.loads((out / "names.json").read_text()) == [f"squares/{i}.png" for i in range(3)]


def test_another_resolution_needs_another_folder(photos: Path, tmp_path: Path) -> None:
    align([photos], tmp_path / "out", Framing("cats", SIDE), 1, quiet=True)
    with pytest.raises(BadSetting, match="16 pixels"):
        align([photos], tmp_path / "out", Framing("cats", 2 * SIDE), 1, quiet=True)
    assert done(tmp_path / "out") == [30, 90, 150]


def test_folders_of_earlier_versions_are_gone_on_with(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    align([photos], out, Framing("cats", SIDE), 1, quiet=True)
    (out / AlignedFile.OUTCOMES).unlink()
    assert align([photos], out, Framing("cats", SIDE), 1, quiet=True)[0] == 3
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
        align([tmp_path / "bad"], tmp_path / "out", Framing("cats", SIDE), 1, quiet=True)


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


def test_archives_are_read_where_they_lie(photos: Path, tmp_path: Path) -> None:
    """A ZIP archive and a tar shard beside each other: no picture is unpacked to the disk."""
    places = tmp_path / "archives"
    places.mkdir()
    with zipfile.ZipFile(places / "some.zip", "w") as archive:
        for name in ("0.png", "cut.png", "1_parts.png"):
            archive.write(photos / name, f"deep/{name}")
    with tarfile.open(places / "shard-000.tar", "w") as shard:
        for name in ("1.png", "2.png", "text.jpg"):
            shard.add(photos / name, name)
    out = tmp_path / "out"
    kept, skipped = align([places], out, Framing("cats", SIDE), 1, quiet=True)
    assert (kept, skipped) == (3, {"cannot be read": 2})
    names = json.loads((out / "names.json").read_text())
    assert names == ["shard-000/1.png", "shard-000/2.png", "some/deep/0.png"]
    assert done(out) == [90, 150, 30]
    (places / "broken.zip").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(BadImage, match="cannot be read as an archive"):
        align([places], tmp_path / "other", Framing("cats", SIDE), 1, quiet=True)


def test_aligned_pictures_are_taken_as_they_are(photos: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(photos / "wide.png"), np.zeros((40, 60, 3), np.uint8))
    kept, skipped = align([photos], tmp_path / "out", Framing(ALIGNED, 32), 1, quiet=True)
    assert kept == 3 and skipped["not square"] == 1 and skipped["too small"] == 1
    assert done(tmp_path / "out") == [30, 90, 150]
    with pytest.raises(BadImage):  # nothing is enlarged
        align([photos], tmp_path / "large", Framing(ALIGNED, 64), 1, quiet=True)


def test_bars_above_and_below_what_a_wide_model_shows(tmp_path: Path) -> None:
    """A photo of 4:3 is shown whole, with black bars, instead of losing both ends."""
    folder = tmp_path / "cars"
    folder.mkdir()
    photo = np.full((48, 64, 3), 200, np.uint8)
    photo[:, :4] = photo[:, -4:] = 100  # both ends
    cv2.imwrite(str(folder / "car.png"), photo)
    align([folder], tmp_path / "out", Framing("cars", 32, 4 / 3), 1, quiet=True)
    picture = AlignedDataset(tmp_path / "out").picture(0)
    assert (picture[:4] == 0).all() and (picture[-4:] == 0).all()
    assert (abs(picture[5:-5, 0].astype(int) - 100) < 20).all()
    assert (picture[5:-5, 10:-10] == 200).all()


def test_a_whole_picture_is_grey_beyond_its_edges_and_black_beyond_the_aspect(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "cars"
    folder.mkdir()
    for name, (height, width) in {"wide": (40, 100), "high": (90, 100)}.items():
        cv2.imwrite(str(folder / f"{name}.png"), np.full((height, width, 3), 30, np.uint8))
    framing = Framing("cars", 64, 4 / 3, whole=True)
    align([folder], tmp_path / "out", framing, 1, quiet=True)
    data = AlignedDataset(tmp_path / "out")
    areas = shown_area(data.batch([0, 1], 64), 4 / 3)[:, 0]
    for name, rows, columns in (("wide", 25.6, 64), ("high", 48, 53.3)):
        picture = data.picture(data.names.index(f"cars/{name}.png"))
        area = areas[data.names.index(f"cars/{name}.png")]
        assert abs(int(area.any(1).sum()) - rows) <= 1.5
        assert abs(int(area.any(0).sum()) - columns) <= 1.5
        assert (picture[area.numpy()] == 30).all()
        beyond = picture[8:56][~area.numpy()[8:56]]
        assert (beyond == GREY).all() and not picture[:8].any() and not picture[56:].any()
        centre = [float(np.flatnonzero(area.any(dim).numpy()).mean()) for dim in (0, 1)]
        assert centre == pytest.approx([31.5, 31.5], abs=0.51)
