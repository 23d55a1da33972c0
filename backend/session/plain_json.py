"""Values for JSON and the wire. Needs no numpy: the command line starts without it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from protocol.facts import as_json

Facts = TypeVar("Facts")


def plain(value: Any) -> Any:
    """`value` as dicts, lists, numbers, text and None.

    Dataclasses become maps (see protocol.facts.as_json), numpy scalars and arrays numbers and
    lists, NaN and infinity None, all else text.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(as_json(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a numpy array or scalar
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def sendable(facts: Facts) -> Facts:
    """A dataclass of protocol.facts with plain values: what may be NaN there is None."""
    fields = dataclasses.fields(facts)  # type: ignore[arg-type]
    return type(facts)(**{item.name: plain(getattr(facts, item.name)) for item in fields})
