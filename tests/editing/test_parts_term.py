"""Known parts in an embedding: few pixels speak for all."""

import numpy as np
import pytest

from backend.editing.parts_term import known_parts
from backend.editing.photo_parts import PhotoParts

S = 128
BACKGROUND, SKIN, HAIR, EYE = range(4)


@pytest.fixture
def seen() -> PhotoParts:
    """A round face with an eye of 5 x 9 pixels, hair above a line that is level, then falls, then
    rises, and stands upright at its end."""
    y, x = np.mgrid[:S, :S]
    face = (y - 64) ** 2 + (x - 64) ** 2 < 55**2
    labels = np.where(face, SKIN, BACKGROUND)
    line = np.select([x < 50, x < 62, x < 74], [40, x - 10, 112 - x], 30)
    labels[face & (y < line) & (x < 90)] = HAIR
    labels[60:65, 40:49] = EYE
    parts = np.stack([labels == part for part in range(4)]).astype(np.float32)
    no_map = np.zeros((S, S), np.float32)
    return PhotoParts(parts, no_map, face.astype(np.float32), no_map)


def test_few_pixels_speak_for_every_part_and_every_edge(seen: PhotoParts) -> None:
    known = known_parts(seen, np.ones((S, S), bool))
    asked = known.share > 0
    assert known.share.sum() == pytest.approx(1, abs=1e-5)
    assert asked.sum() < 0.07 * S * S
    labels = seen.labels
    for part in (SKIN, HAIR, EYE):
        assert asked[labels == part].any()
    for columns in (slice(40, 50), slice(50, 62), slice(62, 74)):  # level, falling, rising
        rows = slice(25, 60)
        beside = np.zeros_like(asked)
        beside[1:-1] = (labels[1:-1] != labels[:-2]) | (labels[1:-1] != labels[2:])
        assert 0.1 < asked[rows, columns][beside[rows, columns]].mean() < 0.35
    assert 0.1 < asked[15:29, 89:91].mean() < 0.35  # upright


def test_parts_count_by_the_root_of_their_areas(seen: PhotoParts) -> None:
    """However few of their pixels are asked."""
    known = known_parts(seen, np.ones((S, S), bool))
    labels = seen.labels
    shares = [known.share[labels == part].sum() for part in (SKIN, HAIR, EYE)]
    areas = [(labels == part).sum() for part in (SKIN, HAIR, EYE)]
    assert shares[0] / shares[1] == pytest.approx((areas[0] / areas[1]) ** 0.5, rel=1e-4)
    assert shares[1] / shares[2] == pytest.approx((areas[1] / areas[2]) ** 0.5, rel=1e-4)
    assert known.wanted[EYE, 62, 44] == 1


def test_what_is_hidden_or_outside_the_photo_is_not_asked(seen: PhotoParts) -> None:
    covered = np.zeros((S, S), np.float32)
    covered[70:90] = 1
    valid = np.ones((S, S), bool)
    valid[:, :50] = False
    known = known_parts(PhotoParts(seen.parts, covered, seen.face, seen.nose), valid)
    assert not known.share[70:90].any() and not known.share[:, :50].any() and known.share.any()
