"""Giving a model parts: its own samples are labelled with part layers, then networks learn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from protocol.messages.fields import Byte, Count, Fraction, Name, Preview8
from protocol.messages.kinds import FilesRequest, JobRequest, Message
from protocol.messages.photos import PaintedPart, PartLayer
from protocol.typed import Matches, Range, require

MAX_PARTS = 255  # a label map has a byte for each pixel, and 255 means "not labelled"
Canvas = Annotated[int, Range(16, 8192)]  # the side of a picture to paint on
PartName = Annotated[
    str,
    Matches(lambda s: 0 < len(s) <= 200 and s == s.strip(), "a name of 1 to 200 characters"),
]


@dataclass(frozen=True)
class PartToLabel:
    """A part to label, and its colour."""

    name: PartName
    color: tuple[Byte, Byte, Byte]


@dataclass(frozen=True)
class PartTemplate:
    """A list of parts to begin with, the background first."""

    name: Name
    title: Name
    parts: list[PartToLabel]


@dataclass(frozen=True)
class OwnModel:
    """A model that may learn parts, and what is labelled for it.

    parts: those that are labelled, empty where none are named yet. labelled: pictures on which
    parts are painted; waiting: pictures that were drawn and not painted yet. missing: the networks
    without which it opens no photos. ready: whether its branch knows `parts`, so that it draws
    what it sees on the next picture.
    """

    bundle: Name
    title: str
    domain: Name
    resolution: Count
    parts: list[PartToLabel]
    labelled: list[Name]
    waiting: list[Name]
    missing: tuple[Name, ...]
    ready: bool


@dataclass(frozen=True)
class ListOwnModels(FilesRequest):
    """The models that are not built in, and the lists of parts to begin with."""


@dataclass(frozen=True)
class UnreadableModel:
    """A model whose files are damaged; `code` and `message` as in an error."""

    bundle: Name
    code: Name
    message: str


@dataclass(frozen=True)
class OwnModels(Message):
    models: list[OwnModel]
    templates: list[PartTemplate]
    unreadable: list[UnreadableModel] = field(default_factory=list)


@dataclass(frozen=True)
class NameParts(FilesRequest):
    """Begin a model's label set with these parts; the first one is the background.

    While nothing is painted they may be named anew.
    """

    bundle: Name
    parts: list[PartToLabel]

    def __post_init__(self) -> None:
        require(2 <= len(self.parts) <= MAX_PARTS, "parts", f"2 to {MAX_PARTS} of them")
        names = {part.name for part in self.parts}
        require(len(names) == len(self.parts), "parts", "names that differ")


@dataclass(frozen=True)
class ModelLabels(Message):
    """A model's label set as it is now."""

    model: OwnModel


@dataclass(frozen=True)
class DrawSample(JobRequest):
    """A picture of the model's own to label: `sample`, or else one that waits, or a new one.

    fresh: a new one even where some wait. Of new ones that one is taken, of `candidates`, about
    which the model's branch is least sure.
    """

    bundle: Name
    sample: Name | None = None
    fresh: bool = False
    candidates: Annotated[int, Range(1, 1000)] = 32


@dataclass(frozen=True)
class SampleToLabel(Message):
    """A picture, enlarged to paint on, and its parts as they are labelled or as the model sees
    them; empty where neither is known. unsure: how little sure it is, nats; None: not asked."""

    sample: Name
    pixels: Preview8
    parts: list[PartLayer]
    unsure: float | None = None


@dataclass(frozen=True)
class SaveLabels(FilesRequest):
    """What is painted on a picture, the topmost layer first; width, height: of the picture that was
    painted on. What no layer covers is not labelled.
    """

    bundle: Name
    sample: Name
    width: Canvas
    height: Canvas
    layers: list[PaintedPart]


@dataclass(frozen=True)
class LabelPhoto(JobRequest):
    """The part layers of an open photo, put right by the user, as a label of its model."""

    photo: Name
    layers: list[PaintedPart]


@dataclass(frozen=True)
class TrainParts(JobRequest):
    """Learn the parts from what is labelled; mirror images count too where there is an encoder."""

    bundle: Name
    steps: Annotated[int, Range(1, 100_000)] = 600


@dataclass(frozen=True)
class PartsTrained(Message):
    """How well parts are found in the pictures that were held back: intersection over union, for
    the parts that occur there. sheet: picture, the same, labels, what was found."""

    model: OwnModel
    pictures: Count
    held_back: Count
    iou: dict[str, Fraction]
    mean_iou: Fraction | None
    sheet: Preview8 | None


@dataclass(frozen=True)
class TrainEncoder(JobRequest):
    """Learn to find codes, from the generator's own samples, until `images` were seen in all; goes
    on where it was cancelled."""

    bundle: Name
    images: Annotated[int, Range(1, 10_000_000)] = 10_000


@dataclass(frozen=True)
class EncoderTrained(Message):
    """Perceptual distance of samples that were held out from their reconstructions. sheet: the
    samples above, their reconstructions below."""

    model: OwnModel
    distance_before: float
    distance: float
    sheet: Preview8 | None
