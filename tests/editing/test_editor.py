"""A photo is opened, repainted and edited with the built-in bundle, as a photographer would."""

import dataclasses
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.bundles import find_bundle
from backend.editing import inversion, repainting
from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.options import Optimisation, Weights
from backend.editing.progress import Progress
from backend.editing.recipes import FACES, label_edit_of
from backend.errors import (
    BadImage,
    BadSetting,
    JobCancelled,
    NoSubject,
    NothingChanged,
    UnknownPart,
    WrongBundle,
)
from backend.photos.align import CropFrame, extract
from backend.photos.label_edit import LabelEdit, PaintedLayer
from backend.photos.parts import PlacedMask

GROUPS = find_bundle("faces").groups
MOUTH, EYES = GROUPS["mouth"], GROUPS["eyes"]
MOUTH_RECIPE = next(r for r in FACES if r.name == "smile")


def layers(photo: OpenPhoto) -> list[PaintedLayer]:
    return [PaintedLayer(m.name, m.x, m.y, m.alpha.copy()) for m in photo.parts]


def placed(mask: PlacedMask, photo: OpenPhoto) -> np.ndarray:
    """A mask over the whole photo, float32 [H, W, 3] in 0..1."""
    values = np.zeros(photo.pixels.shape[:2], np.float32)
    h, w = mask.alpha.shape
    values[mask.y : mask.y + h, mask.x : mask.x + w] = mask.alpha / np.float32(255)
    return np.repeat(values[..., None], 3, axis=2)


def shown_over(photo: OpenPhoto, result) -> np.ndarray:
    """The photo with the result layer on top, as GIMP would merge it (8 bit)."""
    layer, out = result.layer, photo.pixels.astype(np.float64)
    h, w = layer.pixels.shape[:2]
    alpha = layer.pixels[..., 3:].astype(np.float64) / 255
    view = out[layer.y : layer.y + h, layer.x : layer.x + w]
    view[:] = layer.pixels[..., :3] * alpha + view * (1 - alpha)
    return np.round(out).astype(np.uint8)


def test_opening_finds_every_part_of_a_face(photo: OpenPhoto, editor: Editor) -> None:
    assert [m.name for m in photo.parts] == [p.name for p in editor.bundle.parts]
    assert set(np.unique(photo.labels)) >= {0, 1, 2}
    hair = next(m for m in photo.parts if m.name in GROUPS["hair"])
    assert hair.alpha.max() == 255
    assert photo.report.identity is not None and photo.report.verdict


def test_the_heads_are_unsure_at_the_edges_of_parts(photo: OpenPhoto, editor: Editor) -> None:
    mask = editor.uncertainty(photo)
    crop, _ = extract(placed(mask, photo), photo.frame, photo.labels.shape[0])
    unsure = (crop[..., 0] + 1) / 2
    edges = np.zeros(photo.labels.shape, bool)
    edges[1:] |= photo.labels[1:] != photo.labels[:-1]
    edges[:, 1:] |= photo.labels[:, 1:] != photo.labels[:, :-1]
    assert unsure[edges].mean() > 2 * unsure[~edges].mean()


def test_a_known_code_is_used_as_it_is(photo: OpenPhoto, editor: Editor) -> None:
    again = editor.open(photo.pixels, photo.frame, w_plus=photo.w_plus)
    assert np.array_equal(again.w_plus, photo.w_plus)
    assert np.array_equal(again.labels, photo.labels)
    for a, b in zip(again.parts, photo.parts, strict=True):
        assert np.array_equal(a.alpha, b.alpha)


def test_a_repaint_moves_the_labels_and_touches_nothing_else(
    photo: OpenPhoto, editor: Editor
) -> None:
    painted = layers(photo)
    nose = next(layer for layer in painted if layer.part == "nose")
    moved = dataclasses.replace(nose, y=nose.y + round(photo.frame.size * 0.06))
    painted = [moved, *(layer for layer in painted if layer.part != "nose")]
    result = editor.repaint(photo, painted, Optimisation(25))
    assert result.parts == ("nose",)
    assert result.report.loss[1] < result.report.loss[0]
    layer = result.layer
    changed = (shown_over(photo, result) != photo.pixels).any(axis=2)
    assert changed.any()
    opaque = np.zeros(photo.pixels.shape[:2], bool)
    h, w = layer.pixels.shape[:2]
    opaque[layer.y : layer.y + h, layer.x : layer.x + w] = layer.pixels[..., 3] > 0
    assert not (changed & ~opaque).any()


def test_nothing_repainted_is_said(photo: OpenPhoto, editor: Editor) -> None:
    with pytest.raises(NothingChanged):
        editor.repaint(photo, layers(photo), Optimisation(1))


def test_vectors_compose_in_any_order_and_scale_zero_does_nothing(
    photo: OpenPhoto, editor: Editor
) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.normal(0, 0.3, photo.w_plus.shape).astype(np.float32) for _ in range(2))
    one, two = ScaledEdit(a, MOUTH, 1.0), ScaledEdit(b, EYES, -0.5)
    first, second = editor.preview(photo, [one, two]), editor.preview(photo, [two, one])
    assert np.abs(first.crop.astype(int) - second.crop).max() <= 1
    none = editor.apply(photo, [ScaledEdit(a, MOUTH, 0.0)])
    assert np.abs(shown_over(photo, none).astype(int) - photo.pixels).max() <= 1


def test_refinement_brings_the_outside_back(photo: OpenPhoto, editor: Editor) -> None:
    rng = np.random.default_rng(1)
    vector = rng.normal(0, 0.15, photo.w_plus.shape).astype(np.float32)
    edit = ScaledEdit(vector, MOUTH, 1.0)
    start = editor.preview(photo, [ScaledEdit(vector, (), 0.0)]).crop.astype(int)
    plain = editor.apply(photo, [edit]).crop.astype(int)
    refined = editor.apply(photo, [edit], Optimisation(15)).crop.astype(int)
    assert np.abs(refined - start).mean() < 0.8 * np.abs(plain - start).mean()


def test_refinement_takes_other_weights(photo: OpenPhoto, editor: Editor) -> None:
    vector = np.random.default_rng(1).normal(0, 0.1, photo.w_plus.shape).astype(np.float32)
    edit = ScaledEdit(vector, MOUTH, 1.0)
    usual = editor.apply(photo, [edit], Optimisation(3))
    careless = editor.apply(photo, [edit], Optimisation(3, Weights(identity=0.0)))
    assert not np.array_equal(careless.vector, usual.vector)
    same = editor.apply(photo, [edit], Optimisation(3, Weights()))
    assert np.array_equal(same.vector, usual.vector)


def test_a_learnt_vector_repeats_its_edit(photo: OpenPhoto, editor: Editor) -> None:
    label_edit = label_edit_of(MOUTH_RECIPE, photo.labels, editor.bundle)
    found = editor.optimise(photo, label_edit, Optimisation(25))
    again = editor.apply(photo, [ScaledEdit(found.vector, found.parts, 1.0)])
    assert np.array_equal(again.labels, found.labels)
    assert np.array_equal(again.crop, found.crop)


def test_what_was_painted_shows_there_only(photo: OpenPhoto, editor: Editor) -> None:
    """A vector of hair changes hair everywhere in the generator's picture. On the photo that it was
    painted on it gives the repaint's own picture, and beside other edits it keeps to its place."""
    fringe, smile = hair_over_the_forehead(photo), scaled_smile(photo, editor)
    found = editor.optimise(photo, fringe, Optimisation(15))
    mine = ScaledEdit(found.vector, found.parts, 1.0, found.painted)
    again = editor.apply(photo, [mine])
    assert np.array_equal(shown_over(photo, again), shown_over(photo, found))
    assert again.report.area_region == found.report.area_region

    def reaches(*edits: ScaledEdit) -> np.ndarray:
        """Where the photo changes, at label resolution."""
        after = shown_over(photo, editor.apply(photo, list(edits)))
        differs = (after != photo.pixels).any(axis=2).astype(np.float32)
        crop, _ = extract(np.repeat(255 * differs[..., None], 3, axis=2), photo.frame, 128)
        return crop[..., 0] > -0.5

    near = cv2.dilate(fringe.changed.astype(np.uint8), np.ones((41, 41), np.uint8)) > 0
    near = np.logical_or.accumulate(near[::-1])[::-1]  # hair comes down from above
    behind = [editor.bundle.part(n).index for n in ("hair", "background", "neck", "clothes")]
    far = cv2.erode(np.isin(photo.labels, behind).astype(np.uint8), np.ones((5, 5))) > 0
    far &= ~near
    anywhere = replace(mine, painted=None)
    for others in ([], [smile]):
        stray, unbound = (reaches(e, *others) & far for e in (mine, anywhere))
        assert stray.sum() < unbound.sum() / 3
    weaker = replace(mine, scale=0.5)
    assert not (reaches(weaker) & far).any() and (reaches(weaker) & near).any()
    assert reaches(weaker).sum() < reaches(mine).sum()
    mouth = reaches(smile)  # with an outer edge of changes by one level
    assert (reaches(mine, smile) & mouth).sum() > 0.85 * mouth.sum()


def hair_over_the_forehead(photo: OpenPhoto) -> LabelEdit:
    """Hair painted down over the upper half of the forehead."""
    hair, skin, brow = (find_bundle("faces").part(n).index for n in ("hair", "skin", "left brow"))
    labels, top = photo.labels, np.nonzero(photo.labels == brow)[0].min()
    rows, columns = np.indices(labels.shape)
    middle = np.abs(columns - labels.shape[1] / 2) < labels.shape[1] / 8
    changed = (labels == skin) & (rows < top - 4) & middle
    target = np.where(changed, hair, labels).astype(np.uint8)
    return LabelEdit(target, changed, np.zeros_like(labels), ("hair",))


def scaled_smile(photo: OpenPhoto, editor: Editor) -> ScaledEdit:
    found = editor.optimise(
        photo, label_edit_of(MOUTH_RECIPE, photo.labels, editor.bundle), Optimisation(15)
    )
    return ScaledEdit(found.vector, found.parts, 1.0)


def test_enough_is_enough(photo: OpenPhoto, editor: Editor) -> None:
    """Ended after the third step: the best of four iterates, not an error and not the start."""
    label_edit = label_edit_of(MOUTH_RECIPE, photo.labels, editor.bundle)
    whole = editor.optimise(photo, label_edit, Optimisation(3))
    found = editor.optimise(
        photo, label_edit, Optimisation(500, progress=lambda p: p.fraction >= 0.95 * 3 / 500)
    )
    assert found.report.ended_early and not whole.report.ended_early
    assert found.report.steps == whole.report.steps == 3
    assert np.array_equal(found.vector, whole.vector) and found.vector.any()


def test_what_is_not_wanted_any_more_takes_no_step(
    photo: OpenPhoto, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancel is heard several times before the first step, which comes late on a slow machine."""
    wanted = label_edit_of(MOUTH_RECIPE, photo.labels, editor.bundle)
    reports = list[float]()
    monkeypatch.setattr(repainting, "optimise_delta", lambda *_args, **_more: pytest.fail("a step"))

    def cancel(progress: Progress) -> None:
        reports.append(progress.fraction)
        if len(reports) == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        editor.optimise(photo, wanted, Optimisation(steps=500, progress=cancel))
    assert reports == [0.0] * 3


def test_an_embedding_is_cancelled_before_its_first_step(
    photo: OpenPhoto, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the photo was looked at, and when it was encoded."""
    reports = list[str]()
    monkeypatch.setattr(inversion, "minimise", lambda *_args, **_more: pytest.fail("a step"))

    def cancel(progress: Progress) -> None:
        reports.append(progress.text)
        if len(reports) == 2:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        editor.open(photo.pixels, photo.frame, progress=cancel)
    assert reports == ["Embedding"] * 2


def test_compositing_is_cancelled_between_its_pieces(photo: OpenPhoto, editor: Editor) -> None:
    """None of which computes for longer than a fraction of a second."""
    wanted = label_edit_of(MOUTH_RECIPE, photo.labels, editor.bundle)
    moments = list[float]()

    def listen(progress: Progress) -> None:
        if progress.text.startswith("Blending"):
            moments.append(time.thread_time())

    vector = editor.optimise(photo, wanted, Optimisation(steps=3)).vector
    edit = ScaledEdit(vector, wanted.parts, 1.0)
    editor.apply(photo, [edit], Optimisation(steps=0, progress=listen))
    assert len(moments) > 30 and max(np.diff(moments)) < 0.5

    def cancel(progress: Progress) -> None:
        listen(progress)
        if len(moments) == 5:
            raise JobCancelled

    moments.clear()
    with pytest.raises(JobCancelled):
        editor.apply(photo, [edit], Optimisation(steps=0, progress=cancel))
    assert len(moments) == 5


def test_an_embedding_ended_early_says_so(photo: OpenPhoto, editor: Editor) -> None:
    opened = editor.open(photo.pixels, photo.frame, progress=lambda p: p.fraction > 0.1)
    assert opened.report.ended_early and not photo.report.ended_early
    assert opened.report.perceptual > photo.report.perceptual


def test_vectors_of_another_shape_or_with_nan_are_refused(photo: OpenPhoto, editor: Editor) -> None:
    for vector in (np.zeros((3, 5), np.float32), np.full_like(photo.w_plus, np.nan)):
        with pytest.raises(WrongBundle, match="does not belong to the model 'faces'"):
            editor.apply(photo, [ScaledEdit(vector, MOUTH, 1.0)])


def test_the_order_of_edits_is_no_matter(photo: OpenPhoto, editor: Editor) -> None:
    rng = np.random.default_rng(2)
    groups = list(editor.bundle.groups.values())[:3]
    edits = [
        ScaledEdit(rng.normal(0, 0.1, photo.w_plus.shape).astype(np.float32), parts, scale)
        for parts, scale in zip(groups, (1.3, -0.7, 2.5), strict=True)
    ]
    one, other = (editor.apply(photo, some) for some in (edits, edits[::-1]))
    assert np.array_equal(one.vector, other.vector)
    assert one.parts == other.parts and set(one.parts) == {p for parts in groups for p in parts}
    assert np.array_equal(one.layer.pixels, other.layer.pixels)


def test_the_region_of_stacked_edits_holds_that_of_each(photo: OpenPhoto, editor: Editor) -> None:
    nothing = np.zeros_like(photo.w_plus)
    groups = list(editor.bundle.groups.values())[:2]
    stacked = editor.apply(photo, [ScaledEdit(nothing, parts, 1.0) for parts in groups])
    alone = [editor.apply(photo, [ScaledEdit(nothing, parts, 1.0)]) for parts in groups]
    areas = [result.report.area_region for result in alone]
    assert max(areas) < stacked.report.area_region <= sum(areas)


def test_scales_out_of_all_bounds_are_clamped_and_told(photo: OpenPhoto, editor: Editor) -> None:
    vector = np.full_like(photo.w_plus, 0.01)
    far, most = (
        editor.apply(photo, [ScaledEdit(vector, MOUTH, scale)]) for scale in (-99.0, -10.0)
    )
    assert far.report.scales == (-10.0,) and far.report.clamped == (-99.0,)
    assert most.report.clamped == () and np.array_equal(far.vector, most.vector)
    with pytest.raises(BadSetting, match="cannot be applied nan times"):
        editor.apply(photo, [ScaledEdit(vector, MOUTH, float("nan"))])


def test_a_part_that_the_model_lacks_is_named(photo: OpenPhoto, editor: Editor) -> None:
    vector = np.zeros_like(photo.w_plus)
    with pytest.raises(UnknownPart, match="no part 'antenna'; it has background"):
        editor.apply(photo, [ScaledEdit(vector, ("antenna",), 1.0)])


def test_claims_of_nothing_are_refused(photo: OpenPhoto, editor: Editor) -> None:
    none = np.zeros(photo.labels.shape, bool)
    empty = LabelEdit(photo.labels, none, np.zeros_like(photo.labels), MOUTH)
    with pytest.raises(NothingChanged, match="as they were"):
        editor.optimise(photo, empty)


def test_an_edit_may_cover_the_whole_picture(photo: OpenPhoto, editor: Editor) -> None:
    """Nothing is left to hold on to, but the photo around the subject stays as it is."""
    skin = np.full_like(photo.labels, editor.bundle.part("skin").index)
    all_of_it = LabelEdit(skin, skin != photo.labels, np.zeros_like(skin), ("skin",))
    found = editor.optimise(photo, all_of_it, Optimisation(2))
    assert found.report.share_of_subject > 0.6 and np.isfinite(found.vector).all()
    every = ScaledEdit(found.vector, tuple(p.name for p in editor.bundle.parts), 1.0)
    both = editor.apply(photo, [every], Optimisation(1))
    assert both.report.share_of_subject <= 1 and np.isfinite(both.vector).all()
    merged = shown_over(photo, found)
    assert np.array_equal(merged[300:], photo.pixels[300:])  # far below the frame


def test_bad_photos_get_a_sentence(editor: Editor) -> None:
    with pytest.raises(BadImage, match="20 x 20"):
        editor.find_subjects(np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(NoSubject, match="No face"):
        editor.find_subjects(np.full((200, 200, 3), 128, np.uint8))
    pixels = np.zeros((100, 100, 3), np.uint8)
    with pytest.raises(BadImage, match="outside"):
        editor.open(pixels, CropFrame(np.array([[200, 0], [200, 50], [250, 50], [250, 0]])))


def test_deep_photos_keep_their_depth(photo: OpenPhoto, editor: Editor) -> None:
    deep = photo.pixels.astype(np.float32) / 255
    opened = editor.open(deep, photo.frame, w_plus=photo.w_plus)
    vector = np.full_like(photo.w_plus, 0.05)
    layer = editor.apply(opened, [ScaledEdit(vector, MOUTH, 1.0)]).layer
    assert layer.pixels.dtype == np.float32
