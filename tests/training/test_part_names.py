"""What other people's classes are called, and whose left is left."""

import numpy as np
import pytest

from backend.models.parser import CLASSES
from backend.training.labelled import UNLABELLED, as_parts
from backend.training.part_names import mirror_table, mirrored_names, named_as, own_sides

LEFT, RIGHT, NOSE = (CLASSES.index(n) for n in ("left eye", "right eye", "nose"))


def test_sides_change_places_in_a_mirror_image() -> None:
    parts = ["background", "skin", "left eye", "right eye", "left over"]
    assert mirror_table(parts).tolist() == [0, 1, 3, 2, 4]
    labels = np.array([[2, 3, 4, UNLABELLED]], np.uint8)
    assert mirrored_names(labels, parts).tolist() == [[3, 2, 4, UNLABELLED]]


def test_names_of_sides_are_the_subjects_own() -> None:
    labels = np.zeros((8, 32), np.uint8)
    labels[2:4, 4:8], labels[2:4, 20:24], labels[4:6, 13:15] = LEFT, RIGHT, NOSE
    right = own_sides(labels, CLASSES)
    assert (right[2:4, 4:8] == RIGHT).all() and (right[2:4, 20:24] == LEFT).all()
    assert np.array_equal(own_sides(right, CLASSES), right)
    profile = np.where(labels == LEFT, 0, labels)  # one eye, right of the nose: the left one
    assert (own_sides(profile, CLASSES)[2:4, 20:24] == LEFT).all()
    without = ["background", "left wheel", "right wheel"]
    assert (own_sides(np.array([[2, 0, 1]], np.uint8), without) == [[2, 0, 1]]).all()
    assert (own_sides(np.array([[1, 0, 2]], np.uint8), without) == [[2, 0, 1]]).all()


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("mouth inside", "mouth interior"),
        ("mouth", "mouth interior"),
        ("cloth", "clothes"),
        ("u lip", "upper lip"),
        ("l brow", "left brow"),
        ("r ear", "right ear"),
    ],
)
def test_a_class_may_have_another_name_for_a_part(written: str, part: str) -> None:
    assert named_as(["skin", written], ["skin", part]) == ("skin", part)
    assert named_as([part], [written]) == (written,)
    assert named_as([written], [part, written]) == (written,)  # as cats have a mouth
    assert named_as([written], ["skin"]) == (written,)
    assert as_parts(np.array([[0, 1]], np.uint8), ["hat", written], [part]).tolist() == [
        [UNLABELLED, 0]
    ]
