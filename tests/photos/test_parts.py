"""Part layers: complete, antialiased, on the photo's edges, and nothing beyond frame or photo."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from backend.photos.align import CropFrame
from backend.photos.guided import guided_filter
from backend.photos.parts import PartMask, draw_parts

PARTS = tuple(
    SimpleNamespace(name=name, index=index, color=(60 * index, 90, 200))
    for index, name in enumerate(("background", "face", "mouth", "hat"))
)


def ellipse(size: int, cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
    y, x = (np.indices((size, size)) + 0.5) / size
    return (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1).astype(np.float32)


def scene(resolution: int = 64, soft: float = 0.8) -> np.ndarray:
    """Probabilities [4, R, R]: a face with a mouth; no hat."""
    large = 8 * resolution
    mouth = ellipse(large, 0.5, 0.7, 0.13, 0.05)
    face = ellipse(large, 0.5, 0.5, 0.35, 0.42) * (1 - mouth)
    planes = [1 - face - mouth, face, mouth]
    size = (resolution, resolution)
    small = [cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in planes]
    small = [cv2.GaussianBlur(p, (0, 0), soft) for p in small]
    return np.stack([*small, np.zeros(size, np.float32)])


def upright(x: float, y: float, size: float, angle: float = 0.0) -> CropFrame:
    half = size / 2 * np.array([np.cos(angle), np.sin(angle)])
    return CropFrame.from_axes(np.array([x, y]), half)


def stacked(masks: list[PartMask], width: int, height: int) -> np.ndarray:
    """All alphas over the photo: uint8 [parts, H, W]; fails when one leaves the photo."""
    planes = np.zeros((len(masks), height, width), np.uint8)
    for plane, mask in zip(planes, masks, strict=True):
        h, w = mask.alpha.shape
        assert 0 <= mask.x <= width - w
        assert 0 <= mask.y <= height - h
        plane[mask.y : mask.y + h, mask.x : mask.x + w] = mask.alpha
    return planes


def inside(frame: CropFrame, width: int, height: int, margin: float) -> np.ndarray:
    """Photo pixels at least `margin` pixels inside the frame (outside when negative)."""
    y, x = np.indices((height, width)) + 0.5
    m = frame.from_pixels(1)
    u, v = (m[i, 0] * x + m[i, 1] * y + m[i, 2] for i in range(2))
    edge = margin / frame.size
    return (u > edge) & (u < 1 - edge) & (v > edge) & (v < 1 - edge)


@pytest.mark.parametrize(
    "frame",
    [upright(200, 150, 220), upright(200, 150, 220, 0.4), upright(30, 280, 260, -0.3)],
    ids=["upright", "rotated", "partly outside the photo"],
)
def test_alphas_cover_the_frame_and_nothing_else(frame: CropFrame) -> None:
    photo = np.full((300, 400, 3), 120, np.uint8)
    planes = stacked(draw_parts(scene(), photo, frame, PARTS), 400, 300)
    total = planes.astype(int).sum(axis=0)
    assert np.abs(total[inside(frame, 400, 300, 2)] - 255).max() <= 3
    assert not total[~inside(frame, 400, 300, -2)].any()


def test_masks_are_tight_and_absent_parts_can_be_painted() -> None:
    frame = upright(200, 150, 220)
    masks = draw_parts(scene(), np.full((300, 400, 3), 120, np.uint8), frame, PARTS)
    assert [(m.name, m.index, m.color) for m in masks] == [
        (p.name, p.index, p.color) for p in PARTS
    ]
    for mask in masks[:3]:
        assert mask.alpha[0].any() and mask.alpha[-1].any()
        assert mask.alpha[:, 0].any() and mask.alpha[:, -1].any()
    hat = masks[3]
    assert not hat.alpha.any()
    assert (hat.x, hat.y, *hat.alpha.shape[::-1]) == frame.bounds(0, 400, 300)


def test_edges_are_antialiased_not_stairs_and_not_blurred() -> None:
    photo = np.full((900, 900, 3), 120, np.uint8)
    frame = upright(450, 450, 880)  # a generator pixel is 14 photo pixels wide
    face = stacked(draw_parts(scene(), photo, frame, PARTS), 900, 900)[1]
    row = face[450, 60:300].astype(int)
    soft = np.count_nonzero((row > 10) & (row < 245))
    assert 1 <= soft <= 4
    assert np.all(np.diff(row) >= 0)
    # Along the ellipse the edge must move smoothly, by about a pixel and never by 14.
    starts = (face[330:570] >= 128).argmax(axis=1)
    assert np.abs(np.diff(starts)).max() <= 2


def test_edges_follow_the_photo() -> None:
    """The segmentation is off half a generator pixel; the photo's edge says where it really is."""
    size, resolution = 640, 64
    left = np.zeros((resolution, resolution), np.float32)
    left[:, :32] = 1
    probabilities = np.stack([1 - left, left]).astype(np.float32)
    probabilities = np.stack([cv2.GaussianBlur(p, (0, 0), 1.0) for p in probabilities])
    photo = np.zeros((size, size, 3), np.float32)
    photo[:, :326] = (0.8, 0.6, 0.5)
    masks = draw_parts(probabilities, photo, upright(320, 320, 640), PARTS[:2])
    columns = (stacked(masks, size, size)[1] >= 128)[20:-20].sum(axis=1)
    assert np.abs(columns - 326).max() <= 1


def test_invalid_probabilities_are_ignored() -> None:
    """Where the photo does not reach the network only guesses; its guess must not bleed in."""
    photo = np.full((200, 200, 3), 120, np.uint8)
    frame = upright(0, 100, 200)  # the left half lies outside
    probabilities = np.zeros((2, 64, 64), np.float32)
    probabilities[0, :, :32] = 1
    probabilities[1, :, 32:] = 1
    valid = np.zeros((64, 64), bool)
    valid[:, 32:] = True
    masks = draw_parts(probabilities, photo, frame, PARTS[:2], valid)
    assert not masks[0].alpha.any()
    assert (stacked(masks, 200, 200)[1][4:-4, :96] == 255).all()


def test_frame_beside_the_photo_gives_empty_masks() -> None:
    masks = draw_parts(scene(), np.zeros((50, 60, 3), np.uint8), upright(500, 500, 100), PARTS)
    assert all(mask.alpha.size == 0 for mask in masks)


@pytest.mark.parametrize("shrink", [1, 2])
def test_guided_filter_of_a_small_field_is_that_of_a_whole_one(shrink: int) -> None:
    """Only what is around it is filtered; the rest is 0, as it would be."""
    guide = np.random.default_rng(0).random((64, 80, 3), np.float32)
    field = np.zeros((64, 80), np.float32)
    field[20:30, 50:60] = 1
    apply = guided_filter(guide, 2, 1e-3, shrink=shrink)
    found, everywhere = apply(field), 1 - apply(1 - field)  # the rest is not 0 there
    assert np.abs(found - everywhere).max() < 1e-4
    assert not apply(np.zeros_like(field)).any()


def test_guided_filter_is_linear_and_keeps_constants() -> None:
    random = np.random.default_rng(3)
    guide = random.random((40, 50, 3), dtype=np.float32)
    fields = random.random((3, 40, 50), dtype=np.float32)
    fields /= fields.sum(axis=0)
    for shrink in (1, 2):
        apply = guided_filter(guide, 4, 1e-3, shrink=shrink)
        filtered = [apply(field) for field in fields]
        np.testing.assert_allclose(sum(filtered), 1, atol=1e-4)
        np.testing.assert_allclose(apply(2 * fields[0] - 1), 2 * filtered[0] - 1, atol=1e-4)
