"""The edge of the upper lid: in the shade of a deep eye, and right below a brow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.photos.motion.lashes import upper_edge

SIZE, FINE = 128, 8
COLUMNS = np.arange(40, 53)
MIDDLE = 60.0
SKIN, SHADE = 0.7, 0.35


def lid(x: np.ndarray) -> np.ndarray:
    """The row in which the lid ends: an arch."""
    return MIDDLE - 5 + ((x - 46) / 3.0) ** 2


def picture(*, brow: float | None = None) -> np.ndarray:
    """Skin over a dark eye, which fades to the right; a darker brow, if any, ends in that row."""
    rows, x = np.indices((SIZE * FINE, SIZE * FINE), dtype=np.float32) / FINE
    shade = SHADE + 0.15 * np.clip((x - 46) / 6, 0, 1)
    fine = np.where(rows < lid(x), SKIN, shade).astype(np.float32)
    if brow is not None:
        fine[(rows < brow) & (rows > brow - 2)] = 0.1
    return cv2.resize(fine, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def found(grey: np.ndarray, border: np.ndarray, ceiling: float = 0.0) -> np.ndarray:
    return upper_edge(grey, COLUMNS, border, np.full(len(COLUMNS), ceiling, np.float32))


def test_the_lid_of_a_deep_eye_is_found_above_what_the_parser_sees_of_it() -> None:
    """Its inner corner lies in the shade, where labels say skin."""
    true = lid(COLUMNS).astype(np.float32)
    border = true + np.linspace(0, 3, len(COLUMNS), dtype=np.float32)
    assert found(picture(), border)[1:-1] == pytest.approx(true[1:-1], abs=1.0)


def test_a_brow_right_above_an_eye_is_no_lid() -> None:
    """It has an upper edge that is stronger than the lid's."""
    brow = float(lid(COLUMNS).min()) - 0.8
    true = lid(COLUMNS).astype(np.float32)
    edge = found(picture(brow=brow), true, ceiling=brow + 1)
    assert (edge > brow).all()
    assert edge[2:-2] == pytest.approx(true[2:-2], abs=1.2)


def test_a_crease_beside_the_lid_is_no_part_of_it() -> None:
    """Soft shade above one half of an eye is as strong a step as its lid there."""
    grey, true = picture(), lid(COLUMNS).astype(np.float32)
    rows, x = np.indices((SIZE, SIZE), dtype=np.float32)
    grey[(rows < lid(x + 0.5)) & (rows > lid(x + 0.5) - 2.6) & (x < 44)] = 0.45
    assert found(grey, true)[1:-1] == pytest.approx(true[1:-1], abs=1.0)


def test_a_pupil_right_below_the_lid_is_no_lid() -> None:
    """The eye above it is light: the step to the pupil is stronger than that to the lid."""
    grey, true = picture(), lid(COLUMNS).astype(np.float32)
    rows, x = np.indices((SIZE, SIZE), dtype=np.float32)
    grey[rows > lid(x + 0.5)] = 0.5
    grey[(rows > lid(x + 0.5) + 1.6) & (abs(x - 46) < 3)] = 0.05
    assert found(grey, true)[1:-1] == pytest.approx(true[1:-1], abs=1.0)
