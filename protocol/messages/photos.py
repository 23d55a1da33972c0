"""Finding a subject in a photo and opening it: its parts, and its place in the latent space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from protocol.facts import PhotoReport
from protocol.messages.fields import (
    Byte,
    Latent,
    Level,
    Mask,
    Name,
    Photo,
    Preview8,
    Quad,
    Rect,
    Size,
    check_fit,
)
from protocol.messages.kinds import JobRequest, Message
from protocol.typed import Range, require


@dataclass(frozen=True)
class Detect(JobRequest):
    """Find subjects in a small copy of the photo; those that meet `selection` first."""

    bundle: Name
    preview: Preview8
    scale: Annotated[float, Range(1e-3, 1e4)]  # photo pixels per preview pixel
    width: Size  # of the photo
    height: Size
    selection: Rect | None = None


@dataclass(frozen=True)
class Subject:
    """`rect`: the part of the photo to send with Segment. prominent: False for somebody small and
    out of focus in the background, who is seldom meant when all subjects are asked for.
    """

    quad: Quad
    rect: Rect
    score: float
    prominent: bool = True


@dataclass(frozen=True)
class Detected(Message):
    """Best first, never empty (nothing found is the error no_subject)."""

    subjects: list[Subject]


@dataclass(frozen=True)
class PaintedPart:
    """A part's layer as it is now; `rect` may reach over the photo's edges."""

    part: Name
    rect: Rect
    alpha: Mask

    def __post_init__(self) -> None:
        check_fit(self.alpha, self.rect)


@dataclass(frozen=True)
class Segment(JobRequest):
    """Embed the subject in the generator and draw its parts. `photo` is an id made by the client.

    pixels: those of `rect`, which lies inside the photo.
    w_plus: the embedding, where the client kept it; nothing is optimised then, unless `improve`: it
    is where the embedding at `level` continues from.
    corrected: part layers as the user has put them right, the topmost first; they count as truth.
    uncertainty: whether to draw where the segmentation is unsure, too.
    """

    bundle: Name
    photo: Name
    quad: Quad
    rect: Rect
    pixels: Photo
    width: Size  # of the photo
    height: Size
    level: Level = "fast"
    w_plus: Latent | None = None
    uncertainty: bool = False
    improve: bool = False
    corrected: list[PaintedPart] | None = None

    def __post_init__(self) -> None:
        check_fit(self.pixels, self.rect)
        x, y, width, height = self.rect
        inside = min(x, y) >= 0 and x + width <= self.width and y + height <= self.height
        require(inside, "rect", "a rectangle inside the photo")


@dataclass(frozen=True)
class PartLayer:
    name: Name
    index: Byte
    color: tuple[Byte, Byte, Byte]
    rect: Rect
    alpha: Mask

    def __post_init__(self) -> None:
        check_fit(self.alpha, self.rect)


@dataclass(frozen=True)
class PlacedMask:
    rect: Rect
    alpha: Mask

    def __post_init__(self) -> None:
        check_fit(self.alpha, self.rect)


@dataclass(frozen=True)
class Segmented(Message):
    """uncertainty, if asked for: 0 where the heads of the segmentation agree, 255 where they are
    evenly split between two parts.
    """

    photo: Name
    parts: list[PartLayer]
    labels: Mask  # part indices of the aligned crop at the generator's resolution
    w_plus: Latent
    report: PhotoReport
    uncertainty: PlacedMask | None = None


@dataclass(frozen=True)
class HasPhoto(JobRequest):
    """Does the backend still have a photo? If not: the error unknown_photo."""

    photo: Name


@dataclass(frozen=True)
class PhotoKnown(Message):
    photo: Name
