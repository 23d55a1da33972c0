"""Editing an open photo: by repainted parts, by another photo, or by vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from protocol.facts import ApplyReport, RepaintReport
from protocol.messages.fields import Latent, Layer, Mask, Name, Rect, Scale, check_fit
from protocol.messages.kinds import JobRequest, Message
from protocol.messages.photos import PaintedPart
from protocol.typed import Matches, Range, require


@dataclass(frozen=True)
class Repaint(JobRequest):
    """Optimise the latent code until the picture agrees with the painted parts.

    layers: all part layers of the photo, the topmost first; a missing part counts as erased.
    start: a vector to continue from, as LiveRepaint gives it; with 0 steps the result is its
    picture.
    only: the parts that have layers, where not all of them have; every other part stays as it is.
    redrawn: the layers were made for other pixels than the photo's present ones (it was scaled,
    turned, cropped or retouched since): thin differences at their edges do not count.
    """

    photo: Name
    layers: list[PaintedPart]
    steps: Annotated[int, Range(0, 10_000)] = 100
    start: Latent | None = None
    only: tuple[Name, ...] | None = None
    redrawn: bool = False


@dataclass(frozen=True)
class LiveRepaint(JobRequest):
    """Like Repaint, for layers that are being painted on: previews, and a vector in the end.

    Goes on from where the last LiveRepaint of this photo was, if `resume`. With every stroke a
    client ends the one that runs, by Cancel with `keep`, and sends the next. redrawn: see Repaint.
    """

    photo: Name
    layers: list[PaintedPart]
    steps: Annotated[int, Range(1, 10_000)] = 100
    resume: bool = True
    only: tuple[Name, ...] | None = None
    redrawn: bool = False


@dataclass(frozen=True)
class LiveRepainted(Message):
    photo: Name
    vector: Latent
    parts: tuple[Name, ...]  # Q_edit
    report: RepaintReport
    painted: Mask  # see EditRef


@dataclass(frozen=True)
class Borrow(JobRequest):
    """Give `parts` the shapes, or shapes and looks, that they have in another open photo."""

    photo: Name
    other: Name
    parts: Annotated[tuple[Name, ...], Matches(len, "at least one part")]
    take: Literal["look", "shape"] = "look"
    steps: Annotated[int, Range(1, 10_000)] = 100


@dataclass(frozen=True)
class EditRef:
    """An edit of the library by name, or a vector with the parts it edits.

    painted: of a vector that was learnt on this photo, what was painted on its label map: the index
    of the part that was asked for, 128 more where that part was taken away, 255 where nothing was
    painted. The edit shows there only, in the shapes that were painted from scale 1 on.
    """

    name: Name | None = None
    vector: Latent | None = None
    parts: tuple[Name, ...] = ()
    scale: Scale = 1.0
    painted: Mask | None = None

    def __post_init__(self) -> None:
        require((self.name is None) != (self.vector is None), "edit", "a name or a vector")


Stack = Annotated[list[EditRef], Matches(lambda edits: len(edits) <= 500, "at most 500 edits")]


@dataclass(frozen=True)
class Apply(JobRequest):
    """w_plus + the sum of scale * vector, then `refine` steps of optimisation.

    Takes the place of an unstarted Apply of the same client and photo.
    """

    photo: Name
    edits: Stack
    refine: Annotated[int, Range(0, 10_000)] = 0


@dataclass(frozen=True)
class ResultLayer:
    """RGB is the unfeathered result, alpha the feathered region: 0 where nothing may change."""

    rect: Rect
    pixels: Layer

    def __post_init__(self) -> None:
        check_fit(self.pixels, self.rect)


@dataclass(frozen=True)
class Edited(Message):
    """The result of Repaint and Borrow (Repainted), or of Apply (Applied)."""

    photo: Name
    layer: ResultLayer
    vector: Latent  # what was learned, or the sum that was applied
    parts: tuple[Name, ...]  # Q_edit
    labels: Mask


@dataclass(frozen=True)
class Repainted(Edited):
    report: RepaintReport
    painted: Mask | None = None  # see EditRef


@dataclass(frozen=True)
class Applied(Edited):
    report: ApplyReport
