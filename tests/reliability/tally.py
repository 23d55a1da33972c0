"""Counts that outlive the process: a run of hours may be interrupted and goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

Counts: TypeAlias = dict[str, float]


class Tally:
    """What each attack has counted so far, in a file; None keeps it in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._rows: dict[str, Counts] = {}
        if path and path.exists():
            self._rows = json.loads(path.read_text())

    def rounds(self, attack: str, most: int, step: int = 1) -> Iterator[int]:
        """The numbers of the rounds that are still to do; a round counts once it is over."""
        row = self._rows.setdefault(attack, {"rounds": 0})
        while row["rounds"] < most:
            yield int(row["rounds"])
            row["rounds"] += step
            self._save()

    def add(self, attack: str, **counts: float) -> None:
        row = self._rows.setdefault(attack, {"rounds": 0})
        for name, count in counts.items():
            row[name] = row.get(name, 0) + count
        self._save()

    def raise_to(self, attack: str, **values: float) -> None:
        """The largest of what a round measured."""
        row = self._rows.setdefault(attack, {"rounds": 0})
        for name, value in values.items():
            row[name] = max(row.get(name, value), value)

    def items(self) -> list[tuple[str, Counts]]:
        return [(name, dict(row)) for name, row in self._rows.items()]

    def of(self, attack: str) -> Counts:
        return dict(self._rows.get(attack, {}))

    def _save(self) -> None:
        if self._path:
            partial = self._path.with_suffix(".new")
            partial.write_text(json.dumps(self._rows, indent=1))
            os.replace(partial, self._path)
