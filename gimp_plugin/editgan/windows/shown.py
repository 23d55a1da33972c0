"""What the EditGAN window shows of the work that is done for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from commands.people import PersonInPhoto
from protocol.messages import BundleInfo, Pixels


class Shown(Protocol):
    """Called on the main thread."""

    def say(self, text: str) -> None: ...

    def warn(self, text: str, button: str = "", action: Callable[[], None] | None = None) -> None:
        """A sentence that is not to be missed; a button where something can be done about it."""

    def lost(self, text: str) -> None:
        """A warning that is over with `found`; one of something that failed for it counts more."""

    def found(self, text: str) -> None: ...

    def ask_model(self, models: Sequence[BundleInfo], chosen: str) -> str:
        """Which model is to look at the photo; "" where the user changes their mind."""

    def show_people(self, people: Sequence[PersonInPhoto], chosen: int) -> None: ...

    def show_person(self, person: PersonInPhoto, busy: bool) -> None: ...

    def show_face(self, person: PersonInPhoto, pixels: Pixels | None) -> None:
        """None: the face as the photo has it."""

    def show_stack(self, person: PersonInPhoto) -> None: ...

    def opened(self, person: PersonInPhoto) -> None:
        """The person that is worked on can be edited from now on."""

    def image_closed(self) -> None: ...
