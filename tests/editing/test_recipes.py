import numpy as np
import pytest

from backend.bundles import find_bundle
from backend.editing.recipes import FACES, RECIPES, Grow, Recipe, Scale, claims_of
from backend.errors import NothingChanged

BUNDLE = find_bundle("faces")
INDEX = {part.name: part.index for part in BUNDLE.parts}


def face() -> np.ndarray:
    labels = np.full((64, 64), INDEX["background"], np.uint8)
    labels[6:60, 12:52] = INDEX["hair and brows"]
    labels[18:58, 17:47] = INDEX["skin"]
    labels[28:31, 22:28] = labels[28:31, 36:42] = INDEX["eyes"]
    labels[30:41, 29:35] = INDEX["nose"]
    labels[44:48, 25:39] = INDEX["mouth"]
    return labels


def area(labels: np.ndarray, part: str) -> int:
    return int((labels == INDEX[part]).sum())


@pytest.mark.parametrize("recipe", FACES, ids=lambda r: r.name)
def test_each_recipe_changes_its_part_and_says_so(recipe: Recipe) -> None:
    labels = face()
    claims = claims_of(recipe, labels, BUNDLE)
    assert claims.parts == (recipe.part,)
    assert np.array_equal(claims.changed, claims.target != labels)
    touched = set(np.unique(labels[claims.changed])) | set(np.unique(claims.target[claims.changed]))
    assert INDEX[recipe.part] in touched


def test_names_are_unique_and_parts_exist() -> None:
    for bundle, recipes in RECIPES.items():
        assert len({r.name for r in recipes}) == len(recipes)
        for recipe in recipes:
            find_bundle(bundle).part(recipe.part)


def test_scaling_enlarges_each_eye_about_its_own_centre() -> None:
    recipe = Recipe("e", "E", "", "eyes", Scale(x=1.5, y=2))
    target = claims_of(recipe, face(), BUNDLE).target
    assert area(target, "eyes") > 2 * area(face(), "eyes")
    columns = np.nonzero((target == INDEX["eyes"]).any(axis=0))[0]
    assert (columns + columns[::-1] == 2 * 31.5).all()  # still mirror images
    assert not (target[:, 31] == INDEX["eyes"]).any()


def test_a_smile_lifts_the_corners_above_the_middle() -> None:
    recipe = Recipe("s", "S", "", "mouth", Scale(x=1.4, lift=0.3))
    mouth = claims_of(recipe, face(), BUNDLE).target == INDEX["mouth"]
    rows = [np.nonzero(mouth[:, x])[0] for x in range(64)]
    middle = rows[32].mean()
    ends = np.nonzero(mouth.any(axis=0))[0]
    assert rows[ends[0] + 1].mean() < middle and rows[ends[-1] - 1].mean() < middle


def test_what_a_part_leaves_is_filled() -> None:
    recipe = Recipe("n", "N", "", "nose", Scale(x=0.5))
    claims = claims_of(recipe, face(), BUNDLE)
    assert set(claims.target[claims.changed]) == {INDEX["skin"]}


def test_hair_grows_only_over_what_it_may() -> None:
    recipe = Recipe("h", "H", "", "hair and brows", Grow(0.05, over=("background",)))
    labels, claims = (
        face(),
        claims_of(
            Recipe("h", "H", "", "hair and brows", Grow(0.05, over=("background",))), face(), BUNDLE
        ),
    )
    assert set(labels[claims.changed]) == {INDEX["background"]}
    assert area(claims_of(recipe, labels, BUNDLE).target, "skin") == area(labels, "skin")


def test_a_missing_part_is_said() -> None:
    labels = face()
    labels[labels == INDEX["nose"]] = INDEX["skin"]
    with pytest.raises(NothingChanged, match="no 'nose'"):
        claims_of(Recipe("n", "N", "", "nose", Scale(x=0.5)), labels, BUNDLE)
