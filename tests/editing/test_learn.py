"""Learning from several photos, on samples of a small generator: their codes are known exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from backend.editing import calibrate as calibrating
from backend.editing.calibrate import SCALES, calibrate
from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.editing.engine import Engine
from backend.editing.geometry import ScaleShape
from backend.editing.learn import MeanTarget, RecipeTarget
from backend.editing.options import Optimisation
from backend.editing.recipes import USUAL, Limits, Recipe, label_edit_of
from backend.editing.results import SideEffects
from backend.errors import NothingChanged

STEPS = 6


@pytest.fixture(scope="module")
def samples(small: Editor) -> list[OpenPhoto]:
    return [small.open_sample(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def bigger() -> RecipeTarget:
    return RecipeTarget(Recipe("bigger", "Bigger eyes", "", ("eyes",), ScaleShape(1.5, 1.5)))


def faceless(photo: OpenPhoto) -> OpenPhoto:
    return dataclasses.replace(photo, labels=np.zeros_like(photo.labels))


def test_a_recipe_is_learnt_as_the_mean_of_its_photos(
    small: Editor, samples: list[OpenPhoto], bigger: RecipeTarget
) -> None:
    learnt = small.learn(
        bigger, [*samples[:2], faceless(samples[2])], samples[2:], options=Optimisation(STEPS)
    )
    each = [bigger.edit(small.engine, photo, Optimisation(STEPS)) for photo in samples[:2]]
    assert learnt.learnt_from == 2
    assert np.allclose(learnt.vector, np.mean([e.vector for e in each], axis=0), atol=1e-6)
    label_edit = label_edit_of(bigger.recipe, samples[2].labels, small.bundle)
    labels = small.preview(samples[2], [ScaledEdit(learnt.vector, learnt.parts, 1.0)]).labels
    right = (labels == label_edit.target)[label_edit.changed].mean()
    assert learnt.transfer == pytest.approx(right)
    assert learnt.parts == label_edit.parts and learnt.low < 0 < learnt.high


def test_without_others_each_photo_tries_what_the_rest_taught(
    small: Editor, samples: list[OpenPhoto], bigger: RecipeTarget
) -> None:
    learnt = small.learn(bigger, samples[:2], options=Optimisation(STEPS))
    shares = []
    for photo, teacher in (samples[:2], samples[1::-1]):
        taught = bigger.edit(small.engine, teacher, Optimisation(STEPS))
        label_edit = label_edit_of(bigger.recipe, photo.labels, small.bundle)
        labels = small.preview(photo, [ScaledEdit(taught.vector, taught.parts, 1.0)]).labels
        shares.append((labels == label_edit.target)[label_edit.changed].mean())
    assert learnt.transfer == pytest.approx(np.mean(shares), abs=0.02)
    assert small.learn(bigger, samples[:1], options=Optimisation(2)).transfer is None


def test_edits_of_several_photos_become_one(small: Editor, samples: list[OpenPhoto]) -> None:
    rng = np.random.default_rng(0)
    parts = ("eyes",)
    vectors = rng.normal(0, 0.1, (2, *samples[0].w_plus.shape)).astype(np.float32)
    edits = [ScaledEdit(vectors[0], parts, 1.0), ScaledEdit(vectors[1], parts, 0.5)]
    mean = (vectors[0] + 0.5 * vectors[1]) / 2
    plain = small.learn(MeanTarget(edits), samples[:2], options=Optimisation(0))
    assert np.allclose(plain.vector, mean, atol=1e-6) and plain.parts == parts
    refined = small.learn(MeanTarget(edits), samples[:2], options=Optimisation(STEPS))
    assert not np.allclose(refined.vector, mean, atol=1e-3)
    drifts = [
        np.mean([small.side_effects(p, [ScaledEdit(v, parts, 1.0)]).drift for p in samples[:2]])
        for v in (plain.vector, refined.vector)
    ]
    assert drifts[1] < drifts[0]  # refinement brings back what nobody asked for


def test_enough_keeps_the_photos_so_far(
    small: Editor, samples: list[OpenPhoto], bigger: RecipeTarget
) -> None:
    learnt = small.learn(
        bigger, samples, options=Optimisation(STEPS, progress=lambda p: 0.3 < p.fraction < 0.79)
    )
    assert learnt.learnt_from == 2


def test_nothing_to_learn_is_said(
    small: Editor, samples: list[OpenPhoto], bigger: RecipeTarget
) -> None:
    with pytest.raises(
        NothingChanged, match="'Bigger eyes' changes nothing in any of these photos"
    ):
        small.learn(bigger, [faceless(samples[0])], options=Optimisation(1))
    with pytest.raises(NothingChanged, match="no edit to learn from"):
        small.learn(MeanTarget([]), samples[:1], options=Optimisation(1))


def test_a_range_ends_where_the_picture_suffers(small: Editor, samples: list[OpenPhoto]) -> None:
    rng = np.random.default_rng(0)
    direction = rng.normal(size=samples[0].w_plus.shape).astype(np.float32)
    ends = [
        calibrate(small.engine, direction * size, ("eyes",), samples[:1], limits=USUAL)
        for size in (1e-4, 0.1, 10.0)
    ]
    assert ends[0] == (-SCALES[-1], SCALES[-1])  # no effect at all: nothing to fear
    assert ends[2] == (-SCALES[0], SCALES[0])
    assert ends[0][1] >= ends[1][1] >= ends[2][1]
    for edge in ends[1]:  # the furthest, and not merely one of those that do no harm
        if abs(edge) < SCALES[-1]:
            further = np.sign(edge) * SCALES[SCALES.index(abs(edge)) + 1]
            edit = ScaledEdit(direction * 0.1, ("eyes",), float(further))
            assert small.side_effects(samples[0], [edit]).drift > USUAL.drift
    generous = Limits(identity=-1.0, drift=1e3)
    far = calibrate(small.engine, direction * 10.0, ("eyes",), samples[:1], limits=generous)
    assert far == (-SCALES[-1], SCALES[-1])
    near = calibrate(
        small.engine, direction * 1e-4, ("eyes",), samples[:1], limits=Limits(scale=0.75)
    )
    assert near == (-0.75, 0.75)


def test_a_range_is_found_in_few_looks(
    small: Editor, samples: list[OpenPhoto], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    real = calibrating.side_effects

    def counted(engine: Engine, photo: OpenPhoto, edits: Sequence[ScaledEdit]) -> SideEffects:
        looks.append(edits[0].scale)
        return real(engine, photo, edits)

    monkeypatch.setattr(calibrating, "side_effects", counted)
    nothing = np.zeros_like(samples[0].w_plus)
    calibrate(small.engine, nothing, ("eyes",), samples[:1], limits=USUAL)
    assert len(looks) <= 8 and len(set(looks)) == len(looks)


def test_side_effects_count_outside_the_region_only(
    small: Editor, samples: list[OpenPhoto]
) -> None:
    vector = np.full_like(samples[0].w_plus, 0.2)
    some = small.side_effects(samples[0], [ScaledEdit(vector, (), 1.0)])
    fewer = small.side_effects(samples[0], [ScaledEdit(vector, ("eyes", "fur"), 1.0)])
    assert 0 < fewer.drift < some.drift
    assert some.identity is None  # there is no network to tell
