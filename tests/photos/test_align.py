from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.photos.align import CropFrame, centred, extract, face_frame
from backend.photos.detect import FaceDetector
from backend.photos.folder import read_rgb


def frame_at(cx: float, cy: float, half: float, angle: float = 0.0) -> CropFrame:
    axis = half * np.array([np.cos(angle), np.sin(angle)])
    return CropFrame.from_axes(np.array([cx, cy]), axis)


def gradient(height: int = 300, width: int = 400) -> np.ndarray:
    """A float photo whose red is x and green is y, each 0..1 (pixel centres)."""
    y, x = np.mgrid[:height, :width] + 0.5
    return np.dstack([x / width, y / height, np.zeros_like(x)]).astype(np.float32)


def test_axes_and_size() -> None:
    frame = frame_at(100, 80, 30)
    assert frame.size == pytest.approx(60)
    assert frame.quad.tolist() == [[70, 50], [70, 110], [130, 110], [130, 50]]
    assert frame.to_pixels(6) @ [6, 0, 1] == pytest.approx([130, 50])
    assert frame.from_pixels(6) @ [70, 110, 1] == pytest.approx([0, 6])
    assert frame.shifted(5, -5).quad[0].tolist() == [75, 45]
    assert frame.scaled(0.5).size == pytest.approx(30)


def test_bounds_stay_in_the_photo() -> None:
    assert frame_at(100, 80, 30).bounds(0, 400, 300) == (70, 50, 60, 60)
    assert frame_at(10, 10, 30).bounds(0, 400, 300) == (0, 0, 40, 40)
    assert frame_at(-100, 10, 30).bounds(0, 400, 300)[2] == 0


@pytest.mark.parametrize("half", [20.0, 64.0, 140.0])
@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_each_crop_pixel_is_where_the_affine_says(half: float, angle: float) -> None:
    frame, size = frame_at(200, 150, half, angle), 64
    crop, valid = extract(gradient(), frame, size)
    y, x = np.mgrid[:size, :size] + 0.5
    expected = np.einsum("ij,jyx->yxi", frame.to_pixels(size), np.stack([x, y, np.ones_like(x)]))
    found = (crop[..., :2] + 1) / 2 * [400, 300]
    inside = valid & (np.abs(expected - [200, 150]) < [190, 140]).all(axis=2)
    assert np.abs(found - expected)[inside].max() < max(0.6, half / 64)


def test_what_the_photo_does_not_cover_is_not_valid() -> None:
    crop, valid = extract(gradient(), frame_at(0, 150, 50), 64)
    assert not valid[:, :30].any() and valid[:, 34:].all()
    assert np.isfinite(crop).all()
    assert not extract(gradient(), frame_at(-500, 0, 50), 64)[1].any()


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    crop, _ = extract(stripes, frame_at(256, 256, 256), 64)
    assert np.abs(crop[4:-4, 4:-4]).max() < 0.05


def test_eight_bit_and_float_photos_agree() -> None:
    photo = (gradient() * 255).astype(np.uint8)
    a, _ = extract(photo, frame_at(200, 150, 100), 64)
    b, _ = extract(photo.astype(np.float32) / 255, frame_at(200, 150, 100), 64)
    assert np.allclose(a, b, atol=1e-6)


def test_the_face_frame_follows_a_turned_face() -> None:
    points = np.array([[100, 100], [140, 100], [120, 120], [104, 142], [136, 142]], float)
    upright = face_frame(points)
    assert upright.quad.mean(axis=0) == pytest.approx([120, 104.2])
    turn = cv2.getRotationMatrix2D((120, 104.2), 30, 1.0)
    turned = face_frame(points @ turn[:, :2].T + turn[:, 2])
    assert turned.quad == pytest.approx(upright.quad @ turn[:, :2].T + turn[:, 2])


def test_centring_moves_to_opencvs_pixel_centres() -> None:
    identity = np.array([[2.0, 0, 0], [0, 2.0, 0]])
    assert centred(identity)[:, 2] == pytest.approx([0.5, 0.5])


def test_the_detector_finds_the_portrait_at_any_size() -> None:
    photo = read_rgb(Path("assets/portrait.png"))
    detector = FaceDetector()
    small = detector.find(photo)[0].frame
    large = detector.find(cv2.resize(photo, None, fx=3, fy=3))[0].frame
    assert np.abs(large.quad / 3 - small.quad).max() < 0.05 * small.size
