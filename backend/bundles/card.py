"""`card.json`: what a model's maker says about it before there are weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from backend.bundles.bundle import (
    MAX_DESCRIPTION,
    Bundle,
    CommonDescription,
    Part,
    common_description,
    parts_of,
    reading,
)
from backend.bundles.names import UNKNOWN_DOMAIN
from protocol import bounded_file
from protocol.typed import from_known


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


def with_parts_of(bundle: Bundle, card: Card | Bundle) -> Bundle:
    """The bundle with the parts and groups of a card, or of another bundle, and with its kind of
    subject where nobody has said what the bundle draws."""
    if bundle.domain == UNKNOWN_DOMAIN:
        crop = "ffhq" if card.domain == "faces" else bundle.crop
        bundle = replace(bundle, domain=card.domain, crop=crop)
    return replace(bundle, parts=card.parts, groups=card.groups, large=card.large)


def read_card(path: Path) -> Card:
    """Read a card; raises BadBundle with the reason."""
    with reading(path, "a model card"):
        data = bounded_file.read_json(path, MAX_DESCRIPTION)
        described = from_known(CommonDescription, data, (), path.name)
        return Card(
            title=described.title,
            domain=described.domain,
            crop=described.crop,
            parts=parts_of(described.parts),
            large=described.large_parts,
            groups=described.groups,
            license=described.license,
            source=described.source,
        )


def write_card(bundle: Bundle, path: Path) -> None:
    """Write what a bundle says of itself as a card, to begin another one with."""
    text = json.dumps(common_description(bundle), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
