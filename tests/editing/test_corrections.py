"""Parts that a user has put right count as truth."""

import numpy as np
import pytest

from backend.bundles import find_bundle
from backend.editing.corrections import corrected_parts
from backend.editing.part_quality import hidden_parts, is_profile, part_verdicts
from backend.editing.photo_parts import PhotoParts
from backend.photos.align import CropFrame
from backend.photos.corrections import Corrections
from backend.photos.label_edit import UNKNOWN

S = 256
FRAME = CropFrame.from_axes(np.array([64.0, 64.0]), np.array([64.0, 0.0]))  # a photo of 128 pixels
BUNDLE = find_bundle("faces")
SKIN, NOSE, LIP = (BUNDLE.part(n).index for n in ("skin", "nose", "lower lip"))


def seen_as(labels: np.ndarray, covered: np.ndarray | None = None) -> PhotoParts:
    """What a parser that is sure of `labels` [S, S] sees."""
    parts = np.stack([(labels == part.index).astype(np.float32) for part in BUNDLE.parts])
    nothing = np.zeros((S, S), np.float32)
    face = np.isin(labels, (SKIN, NOSE, LIP)).astype(np.float32)
    return PhotoParts(parts, nothing if covered is None else covered, face, parts[NOSE])


@pytest.fixture
def face() -> np.ndarray:
    labels = np.zeros((S, S), np.uint8)
    labels[40:220, 60:200] = SKIN
    labels[110:160, 115:145] = NOSE
    return labels


def test_labels_are_the_truth_where_something_is_said(face: np.ndarray) -> None:
    said = np.full((128, 128), UNKNOWN, np.uint8)
    said[90:100, 55:75] = LIP
    right = corrected_parts(seen_as(face), Corrections(said), FRAME, BUNDLE)
    assert (right.labels[184:196, 114:146] == LIP).all()
    outside = np.ones((S, S), bool)
    outside[175:205, 105:155] = False
    assert np.array_equal(right.labels[outside], face[outside])
    np.testing.assert_allclose(right.parts.sum(axis=0), 1, atol=1e-5)


def test_what_is_said_to_be_a_part_is_not_covered(face: np.ndarray) -> None:
    covered = np.zeros((S, S), np.float32)
    covered[170:210, 100:160] = 1
    face[170:210, 100:160] = 0
    said = np.full((128, 128), UNKNOWN, np.uint8)
    said[88:98, 55:75] = LIP
    right = corrected_parts(seen_as(face, covered), Corrections(said), FRAME, BUNDLE)
    assert right.covered[185, 128] == 0 and right.face[185, 128] == 1
    assert right.covered[172, 102] == 1


def test_what_a_whole_layer_no_longer_shows_is_what_surrounds_it(face: np.ndarray) -> None:
    """The nose's layer was moved down, and nothing painted where it was: that is skin now."""
    said = face[::2, ::2].copy()
    said[55:80, 57:73] = UNKNOWN
    said[62:87, 57:73] = NOSE
    lost = corrected_parts(seen_as(face), Corrections(said), FRAME, BUNDLE)
    assert (lost.labels[112:120, 118:142] == NOSE).all()  # a map that says nothing there
    whole = Corrections(said, frozenset({0, SKIN, NOSE}))
    right = corrected_parts(seen_as(face), whole, FRAME, BUNDLE)
    assert (right.labels[112:120, 118:142] == SKIN).all()
    assert (right.labels[126:170, 118:142] == NOSE).all()


def test_labels_are_enough_without_a_parser(face: np.ndarray) -> None:
    right = corrected_parts(None, Corrections(np.ascontiguousarray(face[::2, ::2])), FRAME, BUNDLE)
    assert (right.labels == face).mean() > 0.98
    assert right.covered.max() == 0 and right.face[130, 130] == 1 and right.nose[130, 130] == 1


def test_parts_behind_something_are_hidden(face: np.ndarray) -> None:
    covered = np.zeros((S, S), np.float32)
    covered[150:230, 60:200] = 1
    labels = face[::2, ::2].copy()
    labels[90:96, 55:75] = LIP
    assert hidden_parts(seen_as(face, covered), labels, BUNDLE) == ("lower lip",)
    assert hidden_parts(seen_as(face), labels, BUNDLE) == ()


def test_each_part_has_a_verdict_of_its_own(face: np.ndarray) -> None:
    labels, valid = face[::2, ::2].copy(), np.ones((128, 128), bool)
    assert part_verdicts(seen_as(face), labels, valid, BUNDLE) == {"nose": "well"}
    labels[labels == NOSE] = SKIN
    labels[62:80, 57:72] = NOSE
    assert part_verdicts(seen_as(face), labels, valid, BUNDLE)["nose"] == "roughly"
    labels[labels == NOSE] = SKIN
    assert part_verdicts(seen_as(face), labels, valid, BUNDLE) == {"nose": "poorly"}


def test_a_nose_at_the_outline_is_a_profile(face: np.ndarray) -> None:
    assert not is_profile(seen_as(face))
    face[face == NOSE] = SKIN
    face[110:160, 60:80] = NOSE
    assert is_profile(seen_as(face))
