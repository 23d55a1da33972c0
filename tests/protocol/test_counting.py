"""Values of a header are counted as msgpack itself would make them, and no further than needed."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from protocol import framing
from protocol.counting import check_count
from protocol.typed import MAX_VALUES, ProtocolError

SAMPLES: list[Any] = [
    None, True, 1, -1, 200, -5, 70_000, -70_000, 2**40, -(2**40), 1.5, "a" * 31, "a" * 32,
    "a" * 300, "a" * 70_000, b"x", b"x" * 300, b"x" * 70_000, [1] * 15, [[]] * 20, [1] * 70_000,
    {str(i): i for i in range(20)}, {str(i): {} for i in range(70_000)},
    *(msgpack.ExtType(5, b"x" * n) for n in (1, 2, 4, 8, 16, 17, 300, 70_000)),
]  # fmt: skip


def count(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(1 + count(item) for item in value.values())
    return 1 + sum(map(count, value)) if isinstance(value, list) else 1


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_every_form_is_counted(number: int) -> None:
    value = [SAMPLES[number], 7]  # what stands behind it shows whether its length was right
    text = msgpack.packb(value)
    check_count(text, count(value))
    with pytest.raises(ProtocolError, match="more than"):
        check_count(text, count(value) - 1)


def test_a_text_that_is_cut_short_ends() -> None:
    text = msgpack.packb([{"a": b"x" * 300, "b": [1.5] * 20}])
    for length in range(len(text)):
        check_count(text[:length], 100)


@pytest.mark.parametrize("item", [None, [], {}, "", [[[]]], 0.5])
def test_a_request_is_refused_before_its_values_are_made(item: object) -> None:
    values = [[item] * 4000] * 26
    header = msgpack.packb({"type": "ListEdits", "job": "j", "fields": {"bundle": values}})
    assert len(header) < framing.MAX_REQUEST and count(values) > MAX_VALUES
    with pytest.raises(ProtocolError, match="the header has more than"):
        framing.unpack([header], framing.MAX_REQUEST)
