"""A short fuzzing of every reader; the long one is `python -m tests.reliability --long`."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.reliability.fuzz import MOST_GROWTH_MB, fuzz
from tests.reliability.targets import targets

CASES = {"messages": 1500, "edit.json": 1500, "settings": 500, "edit archives": 500}
TARGETS = targets()


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_raise_only_what_is_expected(name: str, home: object) -> None:
    done = fuzz(TARGETS[name], CASES.get(name, 300), seed=1)
    print(f"{name}: {done}")
    assert done.growth_mb < MOST_GROWTH_MB


@pytest.mark.parametrize("name", TARGETS)
@settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_what_hypothesis_makes_of_sound_bytes(name: str, home: object, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(TARGETS[name].seeds))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(seed)))
        end = data.draw(st.integers(at, len(seed)))
        seed = seed[:at] + data.draw(st.binary(max_size=20)) + seed[end:]
    TARGETS[name].try_one(seed)
