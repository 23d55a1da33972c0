"""Recipes on label maps: with a model of few, whole parts and with one of many, fine ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from backend.bundles.bundle import Bundle, Part
from backend.bundles.registry import find_bundle, list_bundles
from backend.editing.geometry import Close, Grow, Open, Raise, ScaleShape
from backend.editing.recipes import (
    CARS,
    CATS,
    FACES,
    RECIPES,
    Recipe,
    find_recipe,
    group_of,
    label_edit_of,
    recipes_for,
)
from backend.errors import NothingChanged, UnknownPart, UnknownRecipe


def bundle_of(domain: str, parts: tuple[str, ...], groups: dict[str, tuple[str, ...]]) -> Bundle:
    return dataclasses.replace(
        find_bundle("faces"),
        name=f"test {domain}",
        domain=domain,
        parts=tuple(Part(name, index, (index, 0, 0)) for index, name in enumerate(parts)),
        groups=groups,
    )


WHOLE = bundle_of(
    "faces",
    ("background", "hair and brows", "skin", "nose", "mouth", "eyes"),
    {"hair": ("hair and brows",)},
)
FINE = bundle_of(
    "faces",
    ("background", "skin", "left brow", "right brow", "left eye", "right eye", "nose", "upper lip",
     "lower lip", "mouth interior", "hair", "clothes"),
    {
        "brows": ("left brow", "right brow"),
        "eyes": ("left eye", "right eye"),
        "lips": ("upper lip", "lower lip"),
        "mouth": ("upper lip", "lower lip", "mouth interior"),
    },
)  # fmt: skip
CAT = bundle_of(
    "cats",
    ("background", "head", "left ear", "right ear", "left eye", "right eye", "nose", "mouth"),
    {"ears": ("left ear", "right ear"), "eyes": ("left eye", "right eye")},
)


CAR = bundle_of(
    "cars",
    ("background", "body", "roof", "door", "windscreen", "side window", "headlight",
     "licence plate", "tyre", "wheel hub"),
    {
        "wheels": ("tyre", "wheel hub"),
        "windows": ("windscreen", "side window"),
        "cabin": ("roof", "windscreen", "side window"),
    },
)  # fmt: skip


def drawn(bundle: Bundle, *boxes: tuple[str, slice, slice], side: int = 64) -> np.ndarray:
    """Labels [side, side] with one box of a part over the other; parts it lacks are left out."""
    labels = np.zeros((side, side), np.uint8)
    for part, rows, columns in boxes:
        for index in group_of(bundle, part):
            labels[rows, columns] = index
    return labels


def face(bundle: Bundle) -> np.ndarray:
    hair = "hair and brows" if bundle is WHOLE else "hair"
    eyes = ("eyes", "eyes") if bundle is WHOLE else ("right eye", "left eye")
    return drawn(
        bundle,
        (hair, slice(6, 60), slice(12, 52)),
        ("skin", slice(18, 58), slice(17, 47)),
        ("clothes", slice(58, 64), slice(8, 56)),
        ("right brow", slice(24, 26), slice(21, 28)),
        ("left brow", slice(24, 26), slice(36, 43)),
        (eyes[0], slice(28, 31), slice(22, 28)),
        (eyes[1], slice(28, 31), slice(36, 42)),
        ("nose", slice(30, 41), slice(29, 35)),
        ("mouth", slice(44, 48), slice(25, 39)),
        ("upper lip", slice(44, 46), slice(25, 39)),
        ("lower lip", slice(46, 48), slice(25, 39)),
    )


def cat() -> np.ndarray:
    return drawn(
        CAT,
        ("head", slice(20, 56), slice(12, 52)),
        ("right ear", slice(8, 20), slice(12, 22)),
        ("left ear", slice(8, 20), slice(42, 52)),
        ("right eye", slice(28, 34), slice(20, 27)),
        ("left eye", slice(28, 34), slice(37, 44)),
        ("nose", slice(40, 44), slice(29, 35)),
        ("mouth", slice(46, 48), slice(26, 38)),
    )


def car() -> np.ndarray:
    """Seen from the side, facing left; a pillar stands between its windows."""
    return drawn(
        CAR,
        ("body", slice(20, 48), slice(6, 58)),
        ("background", slice(20, 32), slice(6, 20)),
        ("roof", slice(20, 22), slice(24, 50)),
        ("windscreen", slice(22, 32), slice(22, 30)),
        ("side window", slice(22, 32), slice(32, 50)),
        ("door", slice(32, 44), slice(30, 46)),
        ("headlight", slice(36, 39), slice(8, 12)),
        ("licence plate", slice(42, 44), slice(6, 12)),
        ("tyre", slice(40, 52), slice(14, 26)),
        ("wheel hub", slice(43, 49), slice(17, 23)),
        ("tyre", slice(40, 52), slice(44, 56)),
        ("wheel hub", slice(43, 49), slice(47, 53)),
    )


PICTURES = [(WHOLE, face(WHOLE)), (FINE, face(FINE)), (CAT, cat()), (CAR, car())]
CASES = [
    pytest.param(bundle, labels, recipe, id=f"{bundle.name}-{len(bundle.parts)}-{recipe.name}")
    for bundle, labels in PICTURES
    for recipe in recipes_for(bundle)
]


def mask(bundle: Bundle, labels: np.ndarray, *groups: str) -> np.ndarray:
    return np.isin(labels, [index for name in groups for index in group_of(bundle, name)])


def after(name: str, bundle: Bundle, labels: np.ndarray) -> np.ndarray:
    return label_edit_of(find_recipe(bundle, name), labels, bundle).target


@pytest.mark.parametrize(("bundle", "labels", "recipe"), CASES)
def test_each_recipe_changes_its_parts_and_says_so(
    bundle: Bundle, labels: np.ndarray, recipe: Recipe
) -> None:
    if recipe.name == "closed-mouth":
        labels = after("open-mouth", bundle, labels)
    label_edit = label_edit_of(recipe, labels, bundle)
    assert np.array_equal(label_edit.changed, label_edit.target != labels)
    assert not label_edit.removed.any()
    group = [bundle.part(name).index for name in label_edit.parts]
    assert group == recipe.group(bundle)
    before, wanted = np.isin(labels, group), np.isin(label_edit.target, group)
    assert (before | wanted)[label_edit.changed].all()  # nothing else moves


def test_there_is_a_recipe_for_each_edit_that_a_domain_should_have() -> None:
    assert len(recipes_for(FINE)) == len(FACES) == 14
    assert len(recipes_for(CAT)) == len(CATS) == 5
    assert len(recipes_for(CAR)) == len(CARS) == 5
    missing = {r.name for r in FACES} - {r.name for r in recipes_for(WHOLE)}
    assert missing == {"raised-brows", "thicker-brows", "closed-mouth"}
    for recipes in RECIPES.values():
        assert len({r.name for r in recipes}) == len(recipes)


@pytest.mark.parametrize("name", sorted(list_bundles()))
def test_installed_bundles_have_recipes(name: str) -> None:
    bundle = find_bundle(name)
    assert len(recipes_for(bundle)) >= 5 or not bundle.parts


def test_what_there_is_no_recipe_for_is_said() -> None:
    with pytest.raises(UnknownPart, match=r"'Raised brows' changes the brows, which the model"):
        find_recipe(WHOLE, "raised-brows")
    with pytest.raises(UnknownPart, match=r"'Closed mouth' changes the mouth interior, which"):
        find_recipe(WHOLE, "closed-mouth")
    with pytest.raises(UnknownRecipe, match=r"no recipe 'wink' .* known: smile, frown"):
        find_recipe(FINE, "wink")
    labels = face(WHOLE)
    labels[labels == WHOLE.part("nose").index] = WHOLE.part("skin").index
    with pytest.raises(NothingChanged, match="no nose"):
        after("slimmer-nose", WHOLE, labels)


@pytest.mark.parametrize(("bundle", "labels"), PICTURES[:2], ids=["whole", "fine"])
def test_each_eye_grows_about_its_own_centre(bundle: Bundle, labels: np.ndarray) -> None:
    before = mask(bundle, labels, "eyes")
    wanted = mask(bundle, after("bigger-eyes", bundle, labels), "eyes")
    assert wanted.sum() > 2 * before.sum()
    columns = np.nonzero(wanted.any(axis=0))[0]
    assert (columns + columns[::-1] == 2 * 31.5).all()  # still mirror images
    assert not wanted[:, 31].any()


@pytest.mark.parametrize(("bundle", "labels"), PICTURES[:2], ids=["whole", "fine"])
def test_a_smile_lifts_the_corners_and_a_frown_lowers_them(
    bundle: Bundle, labels: np.ndarray
) -> None:
    for name, sign in (("smile", 1), ("frown", -1)):
        mouth = mask(bundle, after(name, bundle, labels), "mouth")
        rows = [np.nonzero(column)[0] for column in mouth.T]
        ends = np.nonzero(mouth.any(axis=0))[0]
        for end in (ends[0] + 1, ends[-1] - 1):
            assert sign * (rows[32].mean() - rows[end].mean()) > 0


def test_lips_move_together_and_keep_their_order() -> None:
    wanted = after("smile", FINE, face(FINE))
    upper, lower = (mask(FINE, wanted, name) for name in ("upper lip", "lower lip"))
    assert upper.sum() > 20 and lower.sum() > 20
    for column in np.nonzero(upper.any(axis=0) & lower.any(axis=0))[0]:
        assert np.nonzero(upper[:, column])[0].max() < np.nonzero(lower[:, column])[0].min()


def test_an_open_mouth_shows_its_inside_where_the_model_knows_one() -> None:
    labels = face(FINE)
    wanted = after("open-mouth", FINE, labels)
    inside = mask(FINE, wanted, "mouth interior")
    assert inside[:, 32].sum() == 4 and inside[:, 25].sum() <= 1  # 0.3 x 14 pixels, none at corners
    assert np.array_equal(wanted == 7, labels == 7)  # the upper lip stays
    assert abs(int((wanted == 8).sum()) - int((labels == 8).sum())) <= 6  # the lower one moves
    grown = mask(WHOLE, after("open-mouth", WHOLE, face(WHOLE)), "mouth")
    assert grown.sum() > 1.4 * mask(WHOLE, face(WHOLE), "mouth").sum()


def test_a_closed_eye_is_a_line_at_its_lower_lid() -> None:
    wanted = mask(FINE, after("closed-eyes", FINE, face(FINE)), "eyes")
    assert list(np.nonzero(wanted.any(axis=1))[0]) == [30]


def test_ears_grow_upwards() -> None:
    labels = cat()
    wanted = after("bigger-ears", CAT, labels)
    rows = np.nonzero(mask(CAT, wanted, "ears").any(axis=1))[0]
    assert rows[0] < 6 and rows[-1] == 19


def test_wheels_grow_about_where_they_stand() -> None:
    labels = car()
    wanted = after("bigger-wheels", CAR, labels)
    for part in ("tyre", "wheel hub"):
        assert 1.3 < mask(CAR, wanted, part).sum() / mask(CAR, labels, part).sum() < 1.7
    rows = np.flatnonzero(mask(CAR, wanted, "wheels").any(axis=1))
    assert rows[0] == 37 and rows[-1] == 51  # 15 high instead of 12, on the same road
    columns = np.flatnonzero(mask(CAR, wanted, "wheels").any(axis=0))
    assert columns[0] in (12, 13) and columns[-1] in (56, 57)


def test_a_roof_is_raised_with_the_pillars_below_it() -> None:
    labels = car()
    wanted = after("higher-roof", CAR, labels)
    rows = np.flatnonzero(mask(CAR, wanted, "roof").any(axis=1))
    assert rows[0] == 17  # 12 rows of roof and window become 15
    assert (mask(CAR, wanted, "side window").sum(axis=0)[32:50] >= 12).all()
    assert (wanted[24:, 30:32] == labels[24:, 30:32]).all()  # the pillar stays between them
    assert (wanted[32:] == labels[32:]).all()


def test_a_raised_group_that_reaches_the_edge_stays_within_the_picture() -> None:
    labels = np.zeros((8, 8), np.uint8)
    labels[1:5, 2:6] = 3
    wanted = Raise(2.0)(labels, [3], lambda name: [])
    assert (wanted[:5, 2:6] == 3).all() and wanted.sum() == 3 * 20


def test_a_licence_plate_is_taken_off_and_the_car_shows() -> None:
    labels = car()
    wanted = after("no-licence-plate", CAR, labels)
    plate = mask(CAR, labels, "licence plate")
    assert not mask(CAR, wanted, "licence plate").any()
    assert (wanted[plate] == CAR.part("body").index).mean() > 0.7
    assert (wanted == labels)[~plate].all()


def test_windows_grow_over_the_car_only() -> None:
    labels = car()
    wanted = after("larger-windows", CAR, labels)
    assert 1.1 < mask(CAR, wanted, "windows").sum() / mask(CAR, labels, "windows").sum() < 1.8
    assert ((wanted == 0) == (labels == 0)).all()


def test_hair_grows_and_shrinks_from_outside_only() -> None:
    labels = face(FINE)
    for name, more in (("more-hair", True), ("less-hair", False)):
        wanted = after(name, FINE, labels)
        assert np.array_equal(mask(FINE, wanted, "skin"), mask(FINE, labels, "skin"))
        before, now = (mask(FINE, x, "hair").sum() for x in (labels, wanted))
        assert (now > 1.1 * before) if more else (now < 0.9 * before)


def test_fuller_lips_grow_around_an_open_mouth() -> None:
    labels = after("open-mouth", FINE, face(FINE))
    wanted = after("fuller-lips", FINE, labels)
    inner = mask(FINE, labels, "mouth interior")
    assert inner.any() and np.array_equal(mask(FINE, wanted, "mouth interior"), inner)
    lips = [mask(FINE, x, "lips").sum() for x in (labels, wanted)]
    assert 1.5 < lips[1] / lips[0] < 2.1


def test_what_a_part_leaves_shows_what_was_nearest() -> None:
    recipe = Recipe("n", "N", "", ("nose",), ScaleShape(x=0.5))
    label_edit = label_edit_of(recipe, face(FINE), FINE)
    assert set(label_edit.target[label_edit.changed]) == {FINE.part("skin").index}


def test_stray_pixels_of_a_part_stay_where_they_are() -> None:
    labels = face(FINE)
    labels[50, 20] = FINE.part("left eye").index
    wanted = label_edit_of(Recipe("e", "E", "", ("eyes",), ScaleShape(x=1.5)), labels, FINE).target
    assert wanted[50, 20] == labels[50, 20] and wanted[50, 21] == labels[50, 21]


def test_the_first_group_that_the_model_has_is_meant() -> None:
    recipe = Recipe("l", "L", "", ("lips", "mouth"), Grow(0.02, over=("skin",)))
    assert label_edit_of(recipe, face(FINE), FINE).parts == ("upper lip", "lower lip")
    assert label_edit_of(recipe, face(WHOLE), WHOLE).parts == ("mouth",)


def test_a_change_too_small_for_the_model_is_said() -> None:
    with pytest.raises(NothingChanged, match="'O' changes nothing"):
        label_edit_of(Recipe("o", "O", "", ("mouth",), Open(0.01)), face(FINE), FINE)


def test_a_mouth_closes_in_the_middle_of_its_interior() -> None:
    upper, gap, lower = 1, 2, 3
    labels = np.zeros((12, 10), np.uint8)
    labels[2:4, 2:8], labels[4:8, 2:8], labels[8:10, 2:8] = upper, gap, lower
    named = {"upper lip": [upper], "mouth interior": [gap], "lower lip": [lower]}
    closed = Close()(labels, [upper, gap, lower], lambda name: named[name])
    assert (closed[2:6, 2:8] == upper).all() and (closed[6:10, 2:8] == lower).all()
    assert (closed == gap).sum() == 0 and (closed[:, :2] == 0).all()
    without_lips = Close()(labels, [gap], lambda name: [gap] if name == "mouth interior" else [])
    assert (without_lips == labels).all()
