"""Everything a photographer can do with one bundle: open a photo (`opening`), repaint its parts
(`repainting`), apply edits (`applying`), take parts from another photo (`borrow`)."""

from __future__ import annotations

from collections.abc import Sequence

from backend.editing.applying import Applying
from backend.editing.borrow import Take, borrow
from backend.editing.opening import TRUNCATION, Opening
from backend.editing.progress import Report, ignore
from backend.editing.repainting import Repainting
from backend.editing.results import EditPreview, EditResult, OpenPhoto, ScaledEdit, SideEffects

__all__ = [
    "TRUNCATION",
    "EditPreview",
    "EditResult",
    "Editor",
    "OpenPhoto",
    "ScaledEdit",
    "SideEffects",
]


class Editor(Opening, Repainting, Applying):
    """One bundle on one device, with all that can be done with it. Not thread-safe: one worker
    owns it."""

    def borrow(
        self,
        photo: OpenPhoto,
        other: OpenPhoto,
        parts: Sequence[str],
        *,
        take: Take = "look",
        steps: int = 100,
        progress: Report = ignore,
    ) -> EditResult:
        """Give `parts` the shapes that they have in another photo: see backend.editing.borrow."""
        return borrow(self, photo, other, parts, take=take, steps=steps, progress=progress)
