"""Outside the region not one byte changes, from a photo's file to the edited photo's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.photos.align import CropFrame, extract
from backend.photos.composite import composite
from backend.photos.files import read_photo, write_photo
from backend.photos.photo import Photo

RESOLUTION = 64
WIDTH, HEIGHT = 330, 260
# Rotated, and partly outside the photo.
FRAME = CropFrame.from_axes(np.array([150.0, 190.0]), np.array([110.0, 35.0]))


def noise(dtype: Any, channels: int) -> np.ndarray:
    """A photo in which every value occurs, and beyond 0..1 in float: [H, W, channels]."""
    random = np.random.default_rng(3)
    if dtype == np.float32:
        return random.normal(0.5, 0.7, (HEIGHT, WIDTH, channels)).astype(np.float32)
    return random.integers(0, np.iinfo(dtype).max + 1, (HEIGHT, WIDTH, channels)).astype(dtype)


def outside(region: np.ndarray) -> np.ndarray:
    """The photo pixels whose centre lies in no generator pixel of the region, bool [H, W]."""
    y, x = np.indices((HEIGHT, WIDTH)) + 0.5
    m = FRAME.from_pixels(RESOLUTION)
    column, row = (np.floor(m[i, 0] * x + m[i, 1] * y + m[i, 2]).astype(int) for i in range(2))
    known = (column >= 0) & (column < RESOLUTION) & (row >= 0) & (row < RESOLUTION)
    last = RESOLUTION - 1
    return ~(known & region[row.clip(0, last), column.clip(0, last)])


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(
    ("dtype", "suffix"),
    [(np.uint8, ".png"), (np.uint16, ".png"), (np.uint16, ".tif"), (np.float32, ".tif")],
)
def test_not_one_byte_changes(tmp_path: Path, dtype: Any, suffix: str, channels: int) -> None:
    """The edit changes everything everywhere; the region alone may show it."""
    write_photo(Photo(noise(dtype, channels)), tmp_path / f"in{suffix}")
    photo = read_photo(tmp_path / f"in{suffix}")
    region = np.zeros((RESOLUTION, RESOLUTION), bool)
    region[8:40, 20:50] = region[44, 10:60] = region[50, 50] = True
    before, _ = extract(photo.cut(), FRAME, RESOLUTION)
    layer = composite(photo.cut(), FRAME, before, -before[::-1], region)
    write_photo(photo.with_layer(layer), tmp_path / f"out{suffix}")
    old, new = (read_photo(tmp_path / f"{n}{suffix}").pixels for n in ("in", "out"))
    assert old.dtype == new.dtype == dtype
    where = outside(region)
    assert new[where].tobytes() == old[where].tobytes()
    changed = (new != old).any(axis=2)
    assert changed[~where].mean() > 0.6
    if channels == 4:
        assert new[..., 3].tobytes() == old[..., 3].tobytes()
