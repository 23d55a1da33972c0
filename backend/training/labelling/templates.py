"""Lists of parts to begin a label set with: those of the papers, as cards."""

from __future__ import annotations

from pathlib import Path

from backend.bundles.card import Card, read_card

_CARDS = Path(__file__).with_name("cards")
NAMES = sorted(path.stem for path in _CARDS.glob("*.json"))


def template_path(name: str) -> Path:
    return _CARDS / f"{name}.json"


def templates() -> dict[str, Card]:
    """All of them by name."""
    return {name: read_card(template_path(name)) for name in NAMES}
