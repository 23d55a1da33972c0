"""Wide blurs by way of fewer pixels."""

import cv2
import numpy as np
import pytest

from backend.photos.blur import wide_blur


@pytest.mark.parametrize("shape", [(512, 512), (512, 512, 3), (300, 411)])
def test_a_wide_blur_is_nearly_the_plain_one(shape: tuple[int, ...]) -> None:
    field = cv2.GaussianBlur(np.random.default_rng(0).random(shape, np.float32), (0, 0), 3)
    field[shape[0] // 2 :] += 1
    sigma = 41.0
    expected = cv2.GaussianBlur(field, (0, 0), sigma)
    found = wide_blur(field, sigma)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.01 * np.ptp(expected)


def test_a_narrow_blur_is_the_plain_one() -> None:
    field = np.random.default_rng(0).random((64, 64, 3), np.float32)
    np.testing.assert_array_equal(wide_blur(field, 5.0), cv2.GaussianBlur(field, (0, 0), 5.0))
