"""What all crews have in common beside handing out and taking in: two kinds of work."""

from __future__ import annotations

from typing import Literal, Protocol

from backend.batch.dispatch import Crew

Work = Literal["edit", "look"]


class AnyCrew(Crew, Protocol):
    def doing(self, work: Work) -> Crew:
        """The same members for another kind of work."""
