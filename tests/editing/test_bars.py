"""Models of wide subjects: what lies beyond their aspect is bars, which take part in nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.bundles.bundle import read_bundle, write_bundle_json
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


@pytest.mark.parametrize(
    ("aspect", "rows", "columns"), [(1.0, 8, 8), (2.0, 4, 8), (0.5, 8, 4), (4 / 3, 6, 8)]
)
def test_bars_lie_on_both_sides_alike(aspect: float, rows: int, columns: int) -> None:
    shown = within_aspect(8, aspect)
    assert shown.sum() == rows * columns
    assert np.array_equal(shown, shown[::-1]) and np.array_equal(shown, shown[:, ::-1])


@pytest.mark.parametrize(
    ("crop", "const_size", "aspect"),
    [("ffhq", (4, 4), 1), ("4:3", (4, 4), 4 / 3), ("square", (4, 6), 1.5), ("0:3", (4, 4), 1)],
)
def test_a_bundle_knows_its_aspect(
    small: Editor, crop: str, const_size: tuple[int, int], aspect: float
) -> None:
    """By its card, or by the shape of what its generator draws."""
    config = replace(small.bundle.config, const_size=const_size, resolution=const_size[1] * 8)
    assert replace(small.bundle, crop=crop, config=config).aspect == pytest.approx(aspect)
