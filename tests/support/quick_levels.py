"""Few steps of embedding at every level, for tests that are about what comes after."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.editing.inversion import InversionLevel

STEPS = {"fast": 4, "balanced": 6, "faithful": 8}  # in place of 20, 100 and 400


def quick_levels() -> dict[str, InversionLevel]:
    """The levels of embedding by their names, as in `inversion.LEVELS`."""
    from backend.editing import inversion  # imports torch

    return {name: replace(inversion.LEVELS[name], steps=steps) for name, steps in STEPS.items()}
