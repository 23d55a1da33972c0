"""Compositing: outside the region the photo's own bytes, inside it the photo's own detail."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.editing.preview.optimisation import laid_over
from backend.photos.align import CropFrame, extract
from backend.photos.composite import ResultLayer, composite
from backend.photos.feather import feathered_alpha
from backend.photos.motion.part_change import PartChange
from backend.photos.motion.roles import OpeningRole, PartRoles

RESOLUTION = 64
MOUTH = PartRoles(((1,), (2,), (3,), (4,)), (0, 1, 2, 3), (), (OpeningRole(1, 2, 3),))
"""Of labels: 0 background, 1 skin, 2 upper lip, 3 mouth interior, 4 lower lip."""


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A photo-like picture, float32 [H, W, 3] in 0..1: blobs and fine grain."""
    random = np.random.default_rng(seed)
    result = np.zeros((height, width, 3), np.float32)
    for cell, weight in ((60, 0.5), (20, 0.35), (3, 0.15)):
        size = (width // cell + 2, height // cell + 2)
        noise = random.random((size[1], size[0], 3)).astype(np.float32)
        result += weight * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(result, 0, 1)


def tilted(x: float, y: float, size: float, angle: float = 0.0) -> CropFrame:
    half = size / 2 * np.array([np.cos(angle), np.sin(angle)])
    return CropFrame.from_axes(np.array([x, y]), half)


FRAMES = {
    "upright": tilted(200, 150, 240),
    "rotated": tilted(210, 140, 230, 0.5),
    "partly outside": tilted(60, 270, 300, -0.2),
}


def disc(
    resolution: int = RESOLUTION, x: float = 0.5, y: float = 0.5, r: float = 0.2
) -> np.ndarray:
    v, u = (np.indices((resolution, resolution)) + 0.5) / resolution
    return (u - x) ** 2 + (v - y) ** 2 < r * r


def roi_at_photo(roi: np.ndarray, frame: CropFrame, width: int, height: int) -> np.ndarray:
    """Whether the generator pixel under every photo pixel's centre belongs to the region."""
    y, x = np.indices((height, width)) + 0.5
    m = frame.from_pixels(roi.shape[0])
    column, row = (np.floor(m[i, 0] * x + m[i, 1] * y + m[i, 2]).astype(int) for i in range(2))
    size = roi.shape[0]
    known = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    return known & roi[row.clip(0, size - 1), column.clip(0, size - 1)].astype(bool)


def pasted(photo: np.ndarray, layer: ResultLayer) -> np.ndarray:
    """The layer over the photo, as an editor merges it, in the photo's own precision."""
    merged = photo.copy()
    h, w = layer.pixels.shape[:2]
    under = merged[layer.y : layer.y + h, layer.x : layer.x + w]
    rgb, alpha = layer.pixels[..., :3], layer.pixels[..., 3:]
    if photo.dtype == np.uint8:
        blended = rgb.astype(np.uint32) * alpha + under.astype(np.uint32) * (255 - alpha)
        under[:] = ((blended + 127) // 255).astype(np.uint8)
    else:
        under[:] = rgb * alpha + under * (1 - alpha)
    return merged


def edit(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two unrelated pictures: an edit that changes everything everywhere."""
    return texture(64, 64, seed) * 2 - 1, texture(64, 64, seed + 1) * 2 - 1


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_outside_the_region_every_byte_is_the_photos(frame: CropFrame, dtype: type) -> None:
    photo = texture(300, 400)
    photo = np.rint(photo * 255).astype(np.uint8) if dtype == np.uint8 else photo * 1.6 - 0.3
    roi = disc(x=0.45, y=0.4, r=0.3)
    layer = composite(photo, frame, *edit(), roi)
    assert layer.pixels.dtype == dtype
    outside = ~roi_at_photo(roi, frame, 400, 300)
    alpha = np.zeros((300, 400), dtype)
    h, w = layer.pixels.shape[:2]
    alpha[layer.y : layer.y + h, layer.x : layer.x + w] = layer.pixels[..., 3]
    assert not alpha[outside].any()
    own = photo[layer.y : layer.y + h, layer.x : layer.x + w]
    clear = layer.pixels[..., 3] == 0
    assert clear.any()
    assert layer.pixels[clear][:, :3].tobytes() == own[clear].tobytes()
    merged = pasted(photo, layer)
    assert merged[alpha == 0].tobytes() == photo[alpha == 0].tobytes()
    assert (merged != photo).any(axis=2)[
        roi_at_photo(disc(x=0.45, y=0.4, r=0.2), frame, 400, 300)
    ].mean() > 0.9


def test_color_is_not_feathered() -> None:
    """A plain brightening: RGB is the full result wherever alpha is above zero."""
    photo = np.full((300, 400, 3), 100, np.uint8)
    before = np.full((RESOLUTION, RESOLUTION, 3), -0.2, np.float32)
    layer = composite(photo, FRAMES["rotated"], before, before + 0.2, disc())
    painted = layer.pixels[layer.pixels[..., 3] > 0]
    assert np.unique(painted[:, 3]).size > 20  # alpha itself is feathered
    assert np.abs(painted[:, :3].astype(int) - (100 + 25)).max() <= 1


def test_no_edit_gives_back_the_photo() -> None:
    photo = np.rint(texture(300, 400) * 255).astype(np.uint8)
    before = extract(photo, FRAMES["rotated"], RESOLUTION)[0]
    layer = composite(photo, FRAMES["rotated"], before, before, disc())
    h, w = layer.pixels.shape[:2]
    own = photo[layer.y : layer.y + h, layer.x : layer.x + w]
    assert np.abs(layer.pixels[..., :3].astype(int) - own).max() <= 1


def test_values_beyond_one_survive() -> None:
    photo = texture(300, 400) * 0.2 + np.float32(1.5)
    before = np.zeros((RESOLUTION, RESOLUTION, 3), np.float32)
    layer = composite(photo, FRAMES["upright"], before, before + 0.1, disc())
    h, w = layer.pixels.shape[:2]
    own = photo[layer.y : layer.y + h, layer.x : layer.x + w]
    covered = layer.pixels[..., 3] > 0
    np.testing.assert_allclose(layer.pixels[covered, :3], own[covered] + 0.05, atol=2e-3)


def test_values_beyond_one_survive_where_the_generator_takes_over() -> None:
    photo = texture(300, 400) * 0.2 + np.float32(1.5)
    layer = composite(photo, FRAMES["upright"], *edit(), disc())
    covered = layer.pixels[..., 3] > 0.9
    assert abs(float(layer.pixels[covered, :3].mean()) - 1.6) < 0.1


def test_alpha_channel_of_the_photo_is_ignored() -> None:
    photo = texture(300, 400)
    cutout = np.dstack([photo, np.zeros(photo.shape[:2], np.float32)])
    plain, four = (composite(p, FRAMES["upright"], *edit(), disc()) for p in (photo, cutout))
    np.testing.assert_array_equal(plain.pixels, four.pixels)


def test_moving_parts_keep_the_photos_fine_detail() -> None:
    """The generator shows a shift at 64 px; the photo's own pixels must make it at 600 px."""
    photo, frame = texture(640, 640, 7), tilted(320, 320, 600)
    y, x = np.indices((640, 640), dtype=np.float32)
    bump = np.clip(1 - ((x - 320) ** 2 + (y - 320) ** 2) / 150**2, 0, 1) ** 2
    truth = cv2.remap(photo, x + 14 * bump, y - 9 * bump, cv2.INTER_CUBIC)
    before, after = (extract(p, frame, RESOLUTION)[0] for p in (photo, truth))
    layer = composite(photo, frame, before, after, disc(r=0.3))
    area = np.s_[240:400, 240:400]
    result = pasted(photo, layer)[area]
    pictures = {
        "flow": result,
        "paste": cv2.resize((after + 1) / 2, (600, 600), interpolation=cv2.INTER_CUBIC)[
            220:380, 220:380
        ],
        "nothing": photo[area],
    }
    errors = {name: float(((p - truth[area]) ** 2).mean()) for name, p in pictures.items()}
    assert errors["flow"] < errors["paste"] / 2
    assert errors["flow"] < errors["nothing"] / 4


def test_new_content_comes_from_the_generator() -> None:
    """Nothing in the photo could be moved there: a bright bar appears on a plain photo."""
    photo = np.full((400, 400, 3), 90, np.uint8)
    before = np.full((RESOLUTION, RESOLUTION, 3), 90 / 127.5 - 1, np.float32)
    after = before.copy()
    after[30:36, 24:40] = 0.8
    layer = composite(photo, tilted(200, 200, 384), before, after, disc(r=0.3))
    merged = pasted(photo, layer)
    assert merged[202, 200].min() > 200  # the bar, near 230
    assert np.abs(merged[150, 200].astype(int) - 90).max() < 8  # beside it, still the photo


def test_new_parts_have_the_photos_grain_and_none_of_its_old_edges() -> None:
    """Closed lips open onto something pale: the generator draws it, the photo gives its grain."""
    random = np.random.default_rng(2)
    photo = 120 + random.normal(0, 4, (400, 400, 3))
    photo[190:210, 130:270] += 30  # lips
    photo[199:201, 130:270] = 20  # and the line between them
    photo = photo.clip(0, 255).astype(np.uint8)
    frame = tilted(200, 200, 384)
    before = extract(photo, frame, RESOLUTION)[0]
    after = before.copy()
    after[24:40, 20:44] = 0.6
    source, target = np.ones((2, RESOLUTION, RESOLUTION), np.uint8)
    source[30:32, 20:44], source[32:34, 20:44] = 2, 4
    target[22:24, 20:44], target[40:42, 20:44], target[24:40, 20:44] = 2, 4, 3
    layer = composite(photo, frame, before, after, disc(r=0.4), PartChange(source, target, MOUTH))
    merged = pasted(photo, layer).astype(np.float32)
    fine, own = (p - cv2.GaussianBlur(p, (0, 0), 1.5) for p in (merged, photo.astype(np.float32)))
    strength = np.median(np.abs(fine[170:230, 160:240])) / np.median(np.abs(own[20:100, 20:380]))
    assert 0.6 < strength < 1.4
    rows = merged[165:235, 160:240].mean(axis=(1, 2))
    assert np.abs(rows - 1.6 * 127.5).max() < 15  # the old line would be 100 darker


def test_what_moves_along_with_the_region_is_shown_and_nothing_else() -> None:
    """A mouth pulls the cheeks along, beyond r of eq. 1; the background stays where it is."""
    photo = np.rint(texture(400, 400, 3) * 255).astype(np.uint8)
    frame = tilted(200, 200, 384)
    y, x = (np.indices((RESOLUTION, RESOLUTION), dtype=np.float32) + 0.5) / RESOLUTION
    before = extract(photo, frame, RESOLUTION)[0]
    bump = 4 * np.exp(-((x - 0.5) ** 2 + (y - 0.6) ** 2) / 0.02)
    rows, columns = np.indices((RESOLUTION, RESOLUTION), dtype=np.float32)
    after = cv2.remap(before, columns, rows + bump, cv2.INTER_LINEAR)
    labels = np.where(disc(r=0.4), 1, 0).astype(np.uint8)
    region = disc(x=0.5, y=0.6, r=0.1)
    layer = composite(photo, frame, before, after, region, PartChange(labels, labels, MOUTH))
    alpha = np.zeros((400, 400), np.uint8)
    h, w = layer.pixels.shape[:2]
    alpha[layer.y : layer.y + h, layer.x : layer.x + w] = layer.pixels[..., 3]
    around = roi_at_photo(disc(x=0.5, y=0.6, r=0.17), frame, 400, 400)
    assert alpha[around & ~roi_at_photo(region, frame, 400, 400)].mean() > 200
    assert not alpha[~roi_at_photo(disc(r=0.45), frame, 400, 400)].any()
    assert (pasted(photo, layer) != photo).any(axis=2)[around].mean() > 0.9


def test_a_badly_embedded_photo_keeps_its_own_colors() -> None:
    """The generator's picture is far too green; the layer must not be."""
    photo = np.rint(texture(300, 400) * 255).astype(np.uint8)
    before, after = (extract(p, FRAMES["upright"], RESOLUTION)[0] for p in (photo, photo[:, ::-1]))
    green = np.array([-0.2, 0.2, -0.2], np.float32)
    layer = composite(photo, FRAMES["upright"], before * 0.8 + green, after * 0.8 + green, disc())
    h, w = layer.pixels.shape[:2]
    own = photo[layer.y : layer.y + h, layer.x : layer.x + w].astype(np.float32)
    new = layer.pixels[layer.pixels[..., 3] > 200][:, :3].astype(np.float32).mean(axis=0)
    tint = (new - own.mean(axis=(0, 1))) - (new - own.mean(axis=(0, 1))).mean()
    assert np.abs(tint).max() < 12  # 25 were it taken over


@pytest.mark.parametrize(
    ("frame", "roi"),
    [(FRAMES["upright"], np.zeros((64, 64), bool)), (tilted(900, 900, 100), disc())],
    ids=["empty region", "frame beside the photo"],
)
def test_nothing_to_draw_gives_a_transparent_pixel(frame: CropFrame, roi: np.ndarray) -> None:
    layer = composite(np.zeros((300, 400, 3), np.uint8), frame, *edit(), roi)
    assert layer.pixels.shape == (1, 1, 4)
    assert not layer.pixels.any()


def test_thin_regions_reach_full_alpha_in_their_middle() -> None:
    roi = np.zeros((64, 64), bool)
    roi[40:44, 20:44] = True  # a lip
    k = feathered_alpha(roi).shape[0] // 64
    alpha = feathered_alpha(roi)
    assert alpha[42 * k, 22 * k : 42 * k].min() > 0.95
    assert alpha[40 * k + k // 2, 30 * k] < 0.9


@pytest.mark.parametrize("resolution", [64, 128, 256, 1024])
def test_alpha_stays_strictly_inside_and_is_smooth(resolution: int) -> None:
    roi = disc(resolution, r=0.3)
    alpha = feathered_alpha(roi)
    k = alpha.shape[0] // resolution
    large = np.kron(roi, np.ones((k, k), bool))
    ring = cv2.dilate((~large).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert not alpha[ring].any()
    assert alpha[alpha.shape[0] // 2, alpha.shape[0] // 2] == 1
    assert np.abs(np.diff(alpha, axis=0)).max() < 0.25


def test_alpha_fades_at_the_frames_border() -> None:
    alpha = feathered_alpha(np.ones((64, 64), bool))
    for border in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
        assert not border.any()
    assert alpha[20:-20, 20:-20].min() == 1


def test_single_generator_pixels_are_not_lost() -> None:
    roi = np.zeros((64, 64), bool)
    roi[10, 10] = roi[30, 5:50] = True
    alpha = feathered_alpha(roi)
    k = alpha.shape[0] // 64
    assert alpha[10 * k : 11 * k, 10 * k : 11 * k].max() > 0.8
    assert alpha[30 * k : 31 * k].max(axis=0)[6 * k : 49 * k].min() > 0.8


def test_the_generators_wrong_colors_do_not_reach_the_photo() -> None:
    """It paints a red mouth blue, wherever it is: moving the mouth must not tint the photo."""
    photo = np.full((400, 400, 3), 170, np.uint8)
    photo[190:210, 150:250] = (190, 80, 80)
    frame = tilted(200, 200, 384)
    before = extract(photo, frame, RESOLUTION)[0]
    mouth = before[..., 0] - before[..., 1] > 0.3
    before[mouth] = before[mouth][:, ::-1]
    after = np.roll(before, -2, axis=0)
    layer = composite(photo, frame, before, after, disc(r=0.4))
    merged = pasted(photo, layer).astype(int)
    assert (merged[..., 2] - merged[..., 0]).max() < 25  # 110 in the generator's own picture
    redness = (merged[..., 0] - merged[..., 1])[:, 200]
    assert redness.max() > 80
    assert abs(int(np.flatnonzero(redness > 50).mean()) - 188) <= 2  # moved by 12 pixels


def test_motion_around_a_region_is_that_of_the_whole_picture() -> None:
    """Only the region's surroundings are searched: the same motion, found with less work."""
    photo, frame = texture(480, 480, 6), tilted(240, 240, 420, 0.3)
    before = extract(photo, frame, RESOLUTION)[0]
    after = before.copy()
    after[8:24, 8:24] = np.roll(before, (1, -1), axis=(0, 1))[8:24, 8:24]
    near = disc(x=0.25, y=0.25, r=0.12)
    near_and_far = near | disc(x=0.9, y=0.9, r=0.05)
    small, whole = (composite(photo, frame, before, after, roi) for roi in (near, near_and_far))
    first, second = (pasted(photo, layer) for layer in (small, whole))
    where = roi_at_photo(near, frame, 480, 480)
    assert np.abs(first - photo)[where].mean() > 0.02
    assert np.abs(first - second)[where].mean() < 0.004


def test_what_lies_before_the_face_does_not_bend() -> None:
    """The rim of glasses above an eye that narrows keeps its place."""
    rows, columns = np.indices((128, 128)) / 128
    roles = PartRoles(channels=((1,), (2,)), surface=(0, 1))
    eye = ((columns - 0.5) / 0.15) ** 2 + ((rows - 0.5) / 0.08) ** 2 < 1
    narrow = ((columns - 0.5) / 0.15) ** 2 + ((rows - 0.52) / 0.05) ** 2 < 1
    skin = np.ones((128, 128), np.uint8)
    source, target = (np.where(shape, np.uint8(2), skin) for shape in (eye, narrow))
    covered = ((rows > 0.37) & (rows < 0.41)).astype(np.float32)
    photo = np.full((256, 256, 3), 180, np.uint8)
    photo[96:104] = 20
    frame = CropFrame(((0, 0), (0, 256), (256, 256), (256, 0)))
    grey = np.zeros((128, 128, 3), np.float32)
    region = eye | (covered > 0)
    found = {
        name: composite(
            photo, frame, grey, grey, region, PartChange(source, target, roles, covered=c)
        )
        for name, c in (("kept", covered), ("unknown", None))
    }
    moved = {}
    for name, layer in found.items():
        done = laid_over(photo, layer).astype(np.float32)
        moved[name] = np.abs(done - photo)[90:110, 100:156].max()
    assert moved["unknown"] > 40, "without that knowledge it bends"
    assert moved["kept"] < 20


def test_a_brow_that_a_rim_hides_half_of_is_not_drawn_out() -> None:
    """It rises as far as what is seen of it bears; the rim keeps its place."""
    rows, columns = np.indices((128, 128)) / 128
    roles = PartRoles(channels=((1,), (2,)), surface=(0, 1))
    inside, skin = np.abs(columns - 0.5) < 0.12, np.ones((128, 128), np.uint8)
    source, target = (
        np.where(inside & (rows > top) & (rows < top + 0.06), np.uint8(2), skin)
        for top in (0.40, 0.355)
    )
    covered = ((rows > 0.45) & (rows < 0.49)).astype(np.float32)
    photo = np.full((256, 256, 3), 180, np.uint8)
    photo[103:119, 96:160] = 70
    photo[116:124] = 20
    frame = CropFrame(((0, 0), (0, 256), (256, 256), (256, 0)))
    grey = np.zeros((128, 128, 3), np.float32)
    region = (source == 2) | (target == 2)
    change = PartChange(source, target, roles, covered=covered)
    done = laid_over(photo, composite(photo, frame, grey, grey, region, change))
    brow = done[90:116, 128, 0]  # what was seen of it is 13 rows high
    assert 15 <= (brow < 125).sum() <= 19
    assert np.abs(done[116:124, 96:160].astype(int) - photo[116:124, 96:160]).max() < 20


@pytest.mark.parametrize("painted", [False, True])
def test_teeth_grow_where_that_was_painted_only(*, painted: bool) -> None:
    """The generator opens a mouth a little whose lips get fuller."""
    rows = np.broadcast_to(np.arange(128)[:, None], (128, 128))
    across = np.abs(np.arange(128) - 64)[None] < 24

    def mouth(gap: int, lip: int) -> np.ndarray:
        away = np.abs(rows - 64 + 0.5)
        lips = np.where(rows < 64, np.uint8(2), np.uint8(4))
        shown = np.where(away < gap, np.uint8(3), lips)
        return np.where(across & (away < gap + lip), shown, np.uint8(1))

    source, target = mouth(5, 6), mouth(6, 9)
    photo = np.full((256, 256, 3), 120, np.uint8)
    colors = {2: (160, 60, 60), 3: (250, 250, 250), 4: (160, 60, 60)}
    for label, color in colors.items():
        photo[np.kron(source, np.ones((2, 2), np.uint8)) == label] = color
    frame = CropFrame(((0, 0), (0, 256), (256, 256), (256, 0)))
    grey = np.zeros((128, 128, 3), np.float32)
    change = PartChange(source, target, MOUTH)
    if painted:
        change = replace(change, asked=target, changed=source != target)
    done = laid_over(photo, composite(photo, frame, grey, grey, target > 1, change))
    teeth, lips = (done[:, 128, 1] > 185), (done[:, 128, 0].astype(int) - done[:, 128, 1] > 50)
    assert lips.sum() > 30  # 24 in the photo
    assert (teeth.sum() > 21) if painted else (19 <= teeth.sum() <= 21)
