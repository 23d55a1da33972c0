"""What is heard of a job while it waits and runs, and the answer of one that failed."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.messages.fields import Fraction, Mask, Name, Preview8, Rect
from protocol.messages.kinds import Event, Message
from protocol.typed import require


@dataclass(frozen=True)
class Progress(Event):
    """Repeated about twice a second for every job that waits or runs, also when nothing changed."""

    fraction: Fraction
    text: str
    seconds_left: float | None = None


@dataclass(frozen=True)
class Preview(Event):
    """What the edit looks like so far.

    rect: the part of the photo that it shows (the preview may be of another size).
    outline: as large as `pixels`, 255 on the line around what may change.
    """

    pixels: Preview8
    rect: Rect
    outline: Mask | None = None

    def __post_init__(self) -> None:
        size = self.pixels.width, self.pixels.height
        fits = self.outline is None or (self.outline.width, self.outline.height) == size
        require(fits, "outline", "the size of the pixels")


@dataclass(frozen=True)
class ErrorReply(Message):
    """`message`: one sentence for the user. `code`: see docs/protocol.md."""

    code: Name
    message: str
    detail: str = ""
