"""`card.json`: what a model's maker says about it before there are weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.bundles.bundle import Part, reading


@dataclass(frozen=True)
class Card:
    """Title, kind of subject, parts and licence; the fields mean what they do in a Bundle."""

    title: str
    domain: str
    crop: str
    parts: tuple[Part, ...]
    large: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    license: str
    source: str


def read_card(path: Path) -> Card:
    """Read a card; raises BadBundle with the reason."""
    with reading(path, "a model card"):
        data = json.loads(path.read_text(encoding="utf-8"))
        return Card(
            title=data["title"],
            domain=data["domain"],
            crop=data["crop"],
            parts=tuple(Part(p["name"], i, tuple(p["color"])) for i, p in enumerate(data["parts"])),
            large=tuple(data["large_parts"]),
            groups={name: tuple(parts) for name, parts in data["groups"].items()},
            license=data["license"],
            source=data["source"],
        )
