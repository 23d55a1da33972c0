"""The photos that were kept out of training, by bundle, lest results be learned by heart."""

from __future__ import annotations

from pathlib import Path


def held_out_names(bundle: str) -> list[str] | None:
    """The photos that nothing of this bundle was trained on; None where there is no list."""
    path = Path(__file__).with_name(f"held_out_{bundle}.txt")
    return path.read_text(encoding="utf-8").split() if path.is_file() else None
