"""The simulated cluster against what can be worked out by hand."""

from __future__ import annotations

import pytest

from backend.batch.local_crew import DEPTH
from benchmarks.batch_scale import Photo, Shared, simulate

FREE = Shared(0.0, 0.0, 0.0)


@pytest.mark.parametrize("workers", [1, 2, 10])
def test_engines_are_the_limit_where_nothing_else_takes_time(workers: int) -> None:
    row = simulate([Photo(0.0, 2.0, 0.0)] * 100, workers, FREE)
    assert row["photos_per_second"] == pytest.approx(workers / 2)
    assert row["engines"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("shared", "limit"),
    [(Shared(0.1, 0.01, 0.0), 10), (Shared(0.01, 0.05, 0.0), 20), (Shared(0.0, 0.0, 0.02), 50)],
)
def test_the_slowest_queue_is_the_limit_however_many_work(shared: Shared, limit: float) -> None:
    row = simulate([Photo(0.01, 0.5, 0.01)] * 3000, 1000, shared)
    assert row["photos_per_second"] == pytest.approx(limit, rel=0.05)
    assert max(row[name] for name in ("reading", "writing", "committing")) > 0.95


def test_decoding_and_encoding_happen_beside_the_engine() -> None:
    row = simulate([Photo(0.9, 1.0, 0.9)] * 200, 1, FREE)
    assert row["photos_per_second"] == pytest.approx(1.0, rel=0.02)
    slow = simulate([Photo(9.0, 1.0, 9.0)] * 200, 1, FREE)
    assert slow["photos_per_second"] == pytest.approx(DEPTH / 19, rel=0.03)  # so many at once
