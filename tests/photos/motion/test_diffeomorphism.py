"""Maps of a square onto itself: what they read, how they invert, and that nothing ever folds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.photos.motion.diffeomorphism import determinants, exponential, fold_free, warp

SIZE = 96


def velocity(seed: int, strength: float, roughness: float) -> np.ndarray:
    """A random velocity field whose fastest place moves `strength` pixels."""
    random = np.random.default_rng(seed)
    field = random.normal(size=(SIZE, SIZE, 2)).astype(np.float32)
    field = cv2.GaussianBlur(field, (0, 0), roughness)
    return field * np.float32(strength / np.abs(field).max())


def test_a_constant_velocity_is_a_translation() -> None:
    field = np.broadcast_to(np.float32([3.5, -2.0]), (SIZE, SIZE, 2))
    np.testing.assert_allclose(exponential(field), field, atol=1e-5)


def test_the_opposite_velocity_is_the_inverse() -> None:
    field = velocity(1, 6.0, 8.0)
    there, back = exponential(field), exponential(-field)
    round_trip = there + warp(back, there)
    inner = np.s_[16:-16, 16:-16]
    assert np.abs(round_trip[inner]).max() < 0.1  # 6 pixels there and back


def test_warp_reads_at_the_shifted_place_in_every_channel() -> None:
    rows, columns = np.indices((SIZE, SIZE), dtype=np.float32)
    field = np.dstack([columns, rows, columns + rows, columns - rows, 2 * columns, rows])
    shift = np.broadcast_to(np.float32([1.5, -2.25]), (SIZE, SIZE, 2))
    moved = warp(field, shift)
    expected = np.dstack([columns + 1.5, rows - 2.25, columns + rows - 0.75])
    inner = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(moved[inner][..., :3], expected[inner], atol=1e-3)
    np.testing.assert_allclose(warp(columns, shift)[inner], expected[inner][..., 0], atol=1e-3)


def test_a_determinant_is_the_change_of_area_and_negative_where_a_map_folds() -> None:
    rows, columns = np.indices((SIZE, SIZE), dtype=np.float32)
    wider = np.dstack([0.5 * columns, 0.25 * rows])
    np.testing.assert_allclose(determinants(wider), 1.5 * 1.25, rtol=1e-4)
    turned_over = np.dstack([-2 * columns, 0 * rows])
    np.testing.assert_allclose(determinants(turned_over), -1, rtol=1e-4)


@pytest.mark.parametrize("roughness", [1.0, 3.0, 10.0])
@pytest.mark.parametrize("strength", [0.0, 4.0, 40.0, 1e4])
def test_no_velocity_ever_folds(strength: float, roughness: float) -> None:
    for seed in range(4):
        shift = fold_free(velocity(seed, strength, roughness))
        assert np.isfinite(shift).all()
        assert determinants(shift).min() > 0


def test_a_gentle_velocity_is_followed_in_full() -> None:
    field = velocity(5, 3.0, 12.0)
    np.testing.assert_array_equal(fold_free(field), exponential(field))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_moves_nothing(value: float) -> None:
    field = velocity(6, 2.0, 5.0)
    field[40, 40, 0] = value
    assert not fold_free(field).any()
