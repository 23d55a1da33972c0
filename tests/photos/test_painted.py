"""Repainted layers read back: what was gained, lost, moved, and what was only noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from backend.errors import NothingChanged, UnknownPart
from backend.photos.align import CropFrame
from backend.photos.corrections import corrections_of
from backend.photos.label_edit import (
    REMOVED,
    UNKNOWN,
    LabelEdit,
    PaintedLayer,
    read_label_edit,
    settled,
)
from backend.photos.parts import PartMask

NAMES = ("background", "skin", "mouth", "eyes")
PARTS = tuple(SimpleNamespace(name=n, index=i, color=(0, 0, 0)) for i, n in enumerate(NAMES))
BACKGROUND, SKIN, MOUTH, EYES = range(4)
RESOLUTION, CELL, OFFSET = 32, 10, (40, 60)  # the frame: 320 x 320 photo pixels at (40, 60)
FRAME = CropFrame.from_axes(np.array([200.0, 220.0]), np.array([160.0, 0.0]))


def label_map() -> np.ndarray:
    labels = np.full((RESOLUTION, RESOLUTION), BACKGROUND, np.uint8)
    labels[4:28, 6:26] = SKIN
    labels[18:22, 12:20] = MOUTH
    labels[10:13, 9:13] = EYES
    return labels


def masks(labels: np.ndarray | None = None) -> list[PartMask]:
    """Full-frame masks whose edges lie exactly on generator pixels."""
    large = np.kron(label_map() if labels is None else labels, np.ones((CELL, CELL), np.uint8))
    return [
        PartMask(p.name, p.index, p.color, *OFFSET, np.where(large == p.index, 255, 0).astype("u1"))
        for p in PARTS
    ]


def layers(base: Sequence[PartMask]) -> dict[str, PaintedLayer]:
    return {m.name: PaintedLayer(m.name, m.x, m.y, m.alpha.copy()) for m in base}


def read(painted: Sequence[PaintedLayer], base: list[PartMask] | None = None) -> LabelEdit:
    return read_label_edit(base or masks(), painted, FRAME, label_map(), PARTS)


def cells(rows: slice, columns: slice) -> tuple[slice, slice]:
    """Generator pixels as a slice of a full-frame layer."""
    return (
        slice(rows.start * CELL, rows.stop * CELL),
        slice(columns.start * CELL, columns.stop * CELL),
    )


def test_claims_go_into_one_map_and_come_back() -> None:
    painted = layers(masks())
    painted["mouth"].alpha[cells(slice(22, 25), slice(12, 20))] = 255
    painted["eyes"].alpha[:] = 0
    found = read(list(painted.values()))
    packed = found.packed()
    assert packed[23, 15] == MOUTH and packed[11, 10] == REMOVED + EYES and packed[0, 0] == UNKNOWN
    again = LabelEdit.unpacked(packed, label_map(), found.parts)
    assert all(np.array_equal(getattr(again, n), getattr(found, n)) for n in ("target", "changed"))
    assert np.array_equal(again.removed, found.removed) and again.parts == found.parts
    larger = found.on(np.kron(label_map(), np.ones((2, 2), np.uint8)))
    assert np.array_equal(larger.changed[::2, ::2], found.changed)
    assert np.array_equal(larger.target[1::2, 1::2], found.target)


def expected(*areas: tuple[slice, slice]) -> np.ndarray:
    marked = np.zeros((RESOLUTION, RESOLUTION), bool)
    for area in areas:
        marked[area] = True
    return marked


def test_painting_gains_and_painted_over_parts_are_not_edited() -> None:
    painted = layers(masks())
    painted["mouth"].alpha[cells(slice(22, 25), slice(12, 20))] = 255
    label_edit = read(list(painted.values()))
    added = expected((slice(22, 25), slice(12, 20)))
    np.testing.assert_array_equal(label_edit.changed, added)
    np.testing.assert_array_equal(label_edit.target, np.where(added, MOUTH, label_map()))
    assert not label_edit.removed.any()
    assert label_edit.parts == ("mouth",)


def test_erasing_half_a_part_is_lost() -> None:
    painted = layers(masks())
    painted["mouth"].alpha[cells(slice(18, 20), slice(12, 20))] = 0
    label_edit = read(list(painted.values()))
    removed = expected((slice(18, 20), slice(12, 20)))
    np.testing.assert_array_equal(label_edit.changed, removed)
    np.testing.assert_array_equal(label_edit.removed, np.where(removed, MOUTH + 1, 0))
    np.testing.assert_array_equal(label_edit.target, label_map())
    assert label_edit.parts == ("mouth",)


def test_a_missing_layer_is_wholly_erased() -> None:
    painted = layers(masks())
    del painted["eyes"]
    label_edit = read(list(painted.values()))
    np.testing.assert_array_equal(label_edit.removed > 0, label_map() == EYES)
    assert label_edit.parts == ("eyes",)


def test_moving_a_layer_gains_there_and_loses_here() -> None:
    painted = layers(masks())
    painted["mouth"] = replace(painted["mouth"], y=painted["mouth"].y - 2 * CELL)
    label_edit = read(list(painted.values()))
    np.testing.assert_array_equal(label_edit.removed > 0, expected((slice(20, 22), slice(12, 20))))
    added = expected((slice(16, 18), slice(12, 20)))
    np.testing.assert_array_equal(label_edit.changed & (label_edit.removed == 0), added)
    assert (label_edit.target[added] == MOUTH).all()
    assert label_edit.parts == ("mouth",)


def test_erased_and_repainted_is_gained_by_the_new_part() -> None:
    painted = layers(masks())
    area = cells(slice(18, 20), slice(12, 20))
    painted["mouth"].alpha[area] = 0
    painted["skin"].alpha[area] = 255
    label_edit = read(list(painted.values()))
    assert not label_edit.removed.any()
    assert (label_edit.target[18:20, 12:20] == SKIN).all()
    assert label_edit.parts == ("skin", "mouth")  # both layers changed; in the bundle's order


@pytest.mark.parametrize("order", [("mouth", "eyes"), ("eyes", "mouth")])
def test_of_two_new_claims_the_upper_layer_wins(order: tuple[str, str]) -> None:
    painted = layers(masks())
    for name in order:
        painted[name].alpha[cells(slice(14, 17), slice(14, 18))] = 255
    others = [painted[n] for n in NAMES if n not in order]
    label_edit = read([painted[order[0]], painted[order[1]], *others])
    assert (label_edit.target[14:17, 14:18] == NAMES.index(order[0])).all()


def test_a_new_claim_wins_over_unchanged_layers_above_it() -> None:
    painted = layers(masks())
    painted["background"].alpha[cells(slice(18, 22), slice(12, 20))] = 255
    label_edit = read([painted[n] for n in ("mouth", "eyes", "skin", "background")])
    assert (label_edit.target[18:22, 12:20] == BACKGROUND).all()
    assert label_edit.parts == ("background",)


@pytest.mark.parametrize(("alpha", "counts"), [(127, False), (128, True)])
def test_half_transparent_paint_counts_from_128(alpha: int, counts: bool) -> None:
    painted = layers(masks())
    painted["mouth"].alpha[cells(slice(22, 25), slice(12, 20))] = alpha
    painted["eyes"].alpha[cells(slice(13, 15), slice(9, 13))] = 255
    label_edit = read(list(painted.values()))
    assert bool((label_edit.target[22:25, 12:20] == MOUTH).all()) is counts
    assert label_edit.parts == (("mouth", "eyes") if counts else ("eyes",))


def test_several_layers_of_one_part_add_up() -> None:
    painted = layers(masks())
    patch = PaintedLayer("mouth", OFFSET[0] + 120, OFFSET[1] + 220, np.full((30, 80), 255, "u1"))
    label_edit = read([patch, *painted.values()])
    np.testing.assert_array_equal(label_edit.changed, expected((slice(22, 25), slice(12, 20))))
    assert not label_edit.removed.any()


def test_untouched_layers_change_nothing() -> None:
    with pytest.raises(NothingChanged, match="Nothing was repainted"):
        read(list(layers(masks()).values()))


def test_resampling_noise_is_no_change() -> None:
    """Soft edges read back changed a little, as after a change of bit depth or a transform."""
    half = np.float32([[1, 0, 0.5], [0, 1, 0.5]])  # edges in the middle of pixels: alpha near 128
    base = [replace(m, alpha=cv2.warpAffine(m.alpha, half, m.alpha.shape[::-1])) for m in masks()]
    random = np.random.default_rng(5)
    painted = []
    for mask in base:
        shaken = mask.alpha.astype(int) + random.integers(-9, 10, mask.alpha.shape)
        painted.append(PaintedLayer(mask.name, mask.x, mask.y, shaken.clip(0, 255).astype("u1")))
    with pytest.raises(NothingChanged, match="Nothing was repainted"):
        read(painted, base)
    idle = [
        replace(p, alpha=cv2.GaussianBlur(m.alpha, (0, 0), 0.6))
        for p, m in zip(painted, base, strict=True)
    ]
    idle[MOUTH].alpha[cells(slice(22, 25), slice(12, 20))] = 255
    assert read(idle, base).parts == ("mouth",)


def test_a_change_below_the_generators_resolution_says_so() -> None:
    painted = layers(masks())
    painted["mouth"].alpha[220:222, 120:200] = 255  # 2 of 10 rows of its generator pixels
    with pytest.raises(NothingChanged, match=r"too small for this model.*32 x 32"):
        read(list(painted.values()))


def test_half_a_generator_pixel_is_decided_by_area() -> None:
    painted = layers(masks())
    painted["mouth"].alpha[220:226, 120:200] = 255
    label_edit = read(list(painted.values()))
    np.testing.assert_array_equal(label_edit.changed, expected((slice(22, 23), slice(12, 20))))


def test_paint_beyond_the_frame_has_no_effect() -> None:
    painted = layers(masks())
    painted["mouth"] = PaintedLayer("mouth", 0, 0, np.full((500, 30), 255, "u1"))
    original = layers(masks())["mouth"]
    with pytest.raises(NothingChanged):
        read([painted["mouth"], original, *(painted[n] for n in NAMES if n != "mouth")])


def test_rotated_frames_claim_the_right_pixels() -> None:
    """A patch drawn at a known crop place must come back at that place."""
    angle = 0.5
    frame = CropFrame.from_axes(
        np.array([210.0, 190.0]), 170 * np.array([np.cos(angle), np.sin(angle)])
    )
    crop = np.kron(label_map(), np.ones((8, 8), np.uint8))
    matrix = frame.to_pixels(crop.shape[0])

    def drawn(plane: np.ndarray) -> np.ndarray:
        return cv2.warpAffine(plane, matrix, (420, 400), flags=cv2.INTER_NEAREST)

    base = [
        PartMask(
            p.name, p.index, p.color, 0, 0, drawn(np.where(crop == p.index, 255, 0).astype("u1"))
        )
        for p in PARTS
    ]
    painted = layers(base)
    patch = np.zeros_like(crop)
    patch[22 * 8 : 25 * 8, 12 * 8 : 20 * 8] = 255
    painted["mouth"] = replace(
        painted["mouth"], alpha=np.maximum(painted["mouth"].alpha, drawn(patch))
    )
    label_edit = read_label_edit(base, list(painted.values()), frame, label_map(), PARTS)
    np.testing.assert_array_equal(label_edit.changed, expected((slice(22, 25), slice(12, 20))))


def test_unknown_parts_are_named() -> None:
    with pytest.raises(UnknownPart, match=r"wheel.*background, skin, mouth, eyes"):
        read([PaintedLayer("wheel", 0, 0, np.zeros((2, 2), "u1")), *layers(masks()).values()])


def test_layers_become_labels_the_upper_one_first() -> None:
    parts = [SimpleNamespace(name=n, index=i, color=(0, 0, 0)) for i, n in enumerate("ab")]
    opaque, half = np.full((2, 3), 255, np.uint8), np.full((4, 4), 100, np.uint8)
    half[:2] = 128
    layers = [PaintedLayer("a", -1, 0, opaque), PaintedLayer("b", 0, 0, half)]
    said = corrections_of(layers, parts, (4, 5))
    expected = np.full((4, 5), UNKNOWN, np.uint8)
    expected[:2, :4], expected[:2, :2] = 1, 0
    expected[2:, :4] = UNKNOWN  # alpha 100: less than half
    assert np.array_equal(said.labels, expected) and said.complete == {0, 1}
    below = PaintedLayer("a", 0, 0, np.full((4, 4), 120, np.uint8))
    edge = corrections_of([layers[1], below], parts, (4, 5)).labels
    assert (edge[:2, :4] == 1).all() and (edge[2:, :4] == 0).all()  # soft edges that meet
    with pytest.raises(UnknownPart, match="c"):
        corrections_of([PaintedLayer("c", 0, 0, opaque)], parts, (4, 5))


def shifted(layer: PaintedLayer, by: int) -> PaintedLayer:
    return replace(layer, x=layer.x + by, y=layer.y + by)


def test_edges_that_were_drawn_anew_are_no_change() -> None:
    base = masks()
    beside = [shifted(layer, CELL) for layer in layers(base).values()]  # a generator pixel off
    assert read(beside).changed.any()
    with pytest.raises(NothingChanged):
        read(settled(base, beside, FRAME, RESOLUTION))


def test_a_stroke_on_layers_with_such_edges_counts() -> None:
    base = masks()
    beside = {name: shifted(layer, CELL) for name, layer in layers(base).items()}
    rows, columns = slice(6, 10), slice(9, 13)  # above the eyes
    beside["eyes"].alpha[cells(rows, columns)] = 255
    label_edit = read(settled(base, list(beside.values()), FRAME, RESOLUTION))
    assert label_edit.parts == ("eyes",)
    found = np.argwhere(label_edit.changed)
    assert (found.min(axis=0) >= (6, 9)).all() and (found.max(axis=0) <= (14, 14)).all()
    assert (label_edit.target[8:10, 10:13] == EYES).all()


def test_a_part_that_was_taken_away_stays_away() -> None:
    base = masks()
    beside = {name: shifted(layer, CELL) for name, layer in layers(base).items()}
    del beside["mouth"]
    label_edit = read(settled(base, list(beside.values()), FRAME, RESOLUTION))
    assert label_edit.parts == ("mouth",)
    assert label_edit.removed[20, 15] == MOUTH + 1


def test_without_any_layer_nothing_was_painted() -> None:
    with pytest.raises(NothingChanged, match="No part layer is left"):
        read([])
