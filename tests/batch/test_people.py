"""Who is taken for whom."""

from __future__ import annotations

import pytest

from backend.batch.people import quads_taken, taken
from backend.batch.tasks import Face


def faces(*likeness: tuple[float, ...]) -> list[Face]:
    return [Face((float(i),) * 8, alike, b"") for i, alike in enumerate(likeness)]


@pytest.mark.parametrize(
    ("likeness", "whom"),
    [
        ([(0.7,), (0.1,)], {0: 0}),
        ([(0.1,), (0.39,)], {}),
        ([(0.4,)], {0: 0}),
        ([(0.5,), (0.6,)], {1: 0}),  # nobody is in a photo twice
        ([(0.7, 0.1), (0.2, 0.8)], {0: 0, 1: 1}),
        ([(0.5, 0.6)], {0: 1}),  # two photos of one person
        ([(0.6, 0.5)], {0: 0}),
        ([(), ()], {}),
        ([], {}),
    ],
)
def test_taken(likeness: list[tuple[float, ...]], whom: dict[int, int]) -> None:
    found = faces(*likeness)
    assert taken(found, 0.4) == whom
    assert quads_taken(found, 0.4) == tuple(found[i].quad for i in sorted(whom))
