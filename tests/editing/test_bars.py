"""Models of wide subjects: what lies beyond their aspect is bars, which take part in nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.bundles.bundle import read_bundle, write_bundle_json
from backend.editing.cutting import cut_out
from backend.editing.editor import Editor
from backend.photos.align import within_aspect
from protocol.geometry import Rect


@pytest.fixture
def wide(small: Editor, tmp_path: Path) -> Editor:
    """The small model, said to show subjects twice as wide as high."""
    shutil.copytree(small.bundle.folder, tmp_path / "wide", symlinks=True)
    write_bundle_json(replace(read_bundle(tmp_path / "wide"), name="wide", crop="2:1"))
    return Editor(read_bundle(tmp_path / "wide"))


def test_what_lies_beyond_the_aspect_takes_part_in_nothing(wide: Editor) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (96, 96, 3)).astype(np.uint8)
    other = photo.copy()
    other[:20] = 255 - other[:20]  # above the subject: a bar of the crop
    chosen = Rect(8, 28, 80, 40)
    frames = [wide.find_subjects(p, chosen)[0].frame for p in (photo, other)]
    assert frames[0].size == 80
    one, two = (wide.open(p, f) for p, f in zip((photo, other), frames, strict=True))
    assert np.array_equal(one.w_plus, two.w_plus)
    assert not one.valid[:8].any() and not one.valid[-8:].any() and one.valid[8:-8].all()
    for part in one.parts:
        rows = np.flatnonzero(part.alpha.any(axis=1)) + part.y
        assert not len(rows) or (rows.min() >= 26 and rows.max() <= 70)


def test_what_a_whole_picture_does_not_fill_is_grey_and_takes_part_in_nothing(
    wide: Editor, tmp_path: Path
) -> None:
    """A photo three times as wide as high in a model of pictures twice as wide, and a high one."""
    bundle = replace(wide.bundle, crop="2:1 whole")
    write_bundle_json(bundle)
    whole = Editor(read_bundle(bundle.folder))
    rng = np.random.default_rng(0)
    size = whole.bundle.resolution
    for shape in ((40, 120, 3), (120, 40, 3)):
        photo = rng.integers(0, 255, shape).astype(np.uint8)
        frame = whole.find_subjects(photo)[0].frame
        assert frame.size == max(shape[1], 2 * shape[0])
        opened = whole.open(photo, frame)
        assert opened.valid.mean() == pytest.approx(shape[0] * shape[1] / frame.size**2, abs=0.05)
        crop, _ = cut_out(photo, frame, size, 2.0, whole=True)
        between = within_aspect(size, 2.0)
        beyond = between & ~opened.valid
        assert beyond.sum() > 0.1 * between.sum()
        assert crop[beyond] == pytest.approx(128 / 127.5 - 1) and (crop[~between] == -1).all()
        for part in opened.parts:
            assert not part.alpha.any() or (part.x >= 0 and part.y >= 0)


@pytest.mark.parametrize(
    ("aspect", "rows", "columns"), [(1.0, 8, 8), (2.0, 4, 8), (0.5, 8, 4), (4 / 3, 6, 8)]
)
def test_bars_lie_on_both_sides_alike(aspect: float, rows: int, columns: int) -> None:
    shown = within_aspect(8, aspect)
    assert shown.sum() == rows * columns
    assert np.array_equal(shown, shown[::-1]) and np.array_equal(shown, shown[:, ::-1])


@pytest.mark.parametrize(
    ("crop", "const_size", "aspect"),
    [
        ("ffhq", (4, 4), 1),
        ("4:3", (4, 4), 4 / 3),
        ("4:3 whole", (4, 4), 4 / 3),
        ("4:3 whole", (3, 4), 4 / 3),
        ("square", (4, 6), 1.5),
        ("0:3", (4, 4), 1),
        ("4:3 or so", (4, 4), 1),
    ],
)
def test_a_bundle_knows_its_aspect(
    small: Editor, crop: str, const_size: tuple[int, int], aspect: float
) -> None:
    """By its card, or by the shape of what its generator draws."""
    config = replace(small.bundle.config, const_size=const_size, resolution=const_size[1] * 8)
    bundle = replace(small.bundle, crop=crop, config=config)
    assert bundle.aspect == pytest.approx(aspect) and bundle.whole == (crop == "4:3 whole")
