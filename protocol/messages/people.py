"""Who somebody is, and how they look just now: to find one person again in other frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from protocol.messages.fields import Fraction, Name, Photo, Quad, Rect, check_fit
from protocol.messages.kinds import JobRequest, Message
from protocol.typed import PixelLayout, Pixels

Identity = Annotated[Pixels, PixelLayout((("f32", 1),), finite=True, largest=(4096, 1))]


@dataclass(frozen=True)
class Recognise(JobRequest):
    """Look at a face without embedding it. quad, rect, pixels: as in Segment."""

    bundle: Name
    quad: Quad
    rect: Rect
    pixels: Photo

    def __post_init__(self) -> None:
        check_fit(self.pixels, self.rect)


@dataclass(frozen=True)
class Recognised(Message):
    """identity: of unit length, so that the product of two says how alike two faces are, 1 being
    the same; None where the model knows no faces. eyes, smile: how wide the eyes are open and how
    much the mouth smiles, 0..1; None where the model has no parser.
    """

    identity: Identity | None = None
    eyes: Fraction | None = None
    smile: Fraction | None = None
