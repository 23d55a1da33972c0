"""The whole vocabulary of the wire; the annotations are its schema (see typed.py).

Coordinates are photo pixels, x right, y down, (0, 0) = the top-left corner of the top-left pixel.
Two sockets: *jobs* (work, one after the other) and *control* (never waits behind a job).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from protocol import PROTOCOL_NAME, PROTOCOL_VERSION
from protocol.typed import Layout, Matches, Pixels, ProtocolError, Range, require

__all__ = ["MESSAGES", "Message", "Pixels", "ProtocolError"]

Name = Annotated[str, Matches(lambda s: 0 < len(s) <= 200, "a name of 1 to 200 characters")]
Size = Annotated[int, Range(1, 1 << 18)]
Count = Annotated[int, Range(0, 100_000)]
Byte = Annotated[int, Range(0, 255)]
Fraction = Annotated[float, Range(0, 1)]
Scale = Annotated[float, Range(-100, 100)]
Level = Literal["fast", "balanced", "faithful"]
Rect = Annotated[  # x, y, width, height; may lie partly outside the photo
    tuple[int, int, int, int],
    Matches(lambda r: 0 < r[2] <= 1 << 18 and 0 < r[3] <= 1 << 18, "a rectangle of positive size"),
    Matches(lambda r: max(abs(r[0]), abs(r[1])) <= 1 << 20, "a rectangle near the photo"),
]
Quad = Annotated[  # corners top-left, bottom-left, bottom-right, top-right; may leave the photo
    tuple[float, float, float, float, float, float, float, float],
    Matches(lambda q: max(map(abs, q)) <= 1 << 20, "corners near the photo"),
]
Preview8 = Annotated[Pixels, Layout((("u8", 3),))]  # R'G'B', sRGB
Photo = Annotated[Pixels, Layout((("u8", 3), ("f32", 4)))]  # R'G'B' u8 or R'G'B'A float, sRGB curve
Layer = Annotated[Pixels, Layout((("u8", 4), ("f32", 4)))]  # R'G'B'A, as the photo came
Mask = Annotated[Pixels, Layout((("u8", 1),))]  # alpha, or a part index per pixel
Latent = Annotated[Pixels, Layout((("f32", 1),), finite=True)]  # [n_ws, w_dim]


def _check_fit(pixels: Pixels, rect: tuple[int, int, int, int]) -> None:
    require((pixels.width, pixels.height) == tuple(rect[2:]), "rect", "the size of the pixels")


@dataclass(frozen=True)
class Message:
    """Anything that travels on its own; on the wire under its class name."""


class JobRequest(Message):
    """Sent on the jobs socket: any number of events, then one result or ErrorReply."""


class FilesRequest(JobRequest):
    """A job on the files of edits or bundles: needs no device and waits for no job that does."""


class ControlRequest(Message):
    """Sent on the control socket: one reply at once."""


class Event(Message):
    """News of a job that still goes on."""


# --- greeting: first on either socket ---------------------------------------------------------


@dataclass(frozen=True)
class Hello(Message):
    client: str = "unnamed"
    protocol: str = PROTOCOL_NAME
    version: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class Welcome(Message):
    device: str
    bundles: list[str]
    protocol: str = PROTOCOL_NAME
    version: int = PROTOCOL_VERSION


# --- jobs -------------------------------------------------------------------------------------


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
    """`rect`: the part of the photo to send with Segment."""

    quad: Quad
    rect: Rect
    score: float


@dataclass(frozen=True)
class Detected(Message):
    """Best first, never empty (nothing found is the error no_subject)."""

    subjects: list[Subject]


@dataclass(frozen=True)
class Segment(JobRequest):
    """Embed the subject in the generator and draw its parts. `photo` is an id made by the client.

    pixels: those of `rect`, which lies inside the photo.
    w_plus: the embedding, where the client kept it; nothing is optimised then.
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

    def __post_init__(self) -> None:
        _check_fit(self.pixels, self.rect)
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
        _check_fit(self.alpha, self.rect)


@dataclass(frozen=True)
class PlacedMask:
    rect: Rect
    alpha: Mask

    def __post_init__(self) -> None:
        _check_fit(self.alpha, self.rect)


@dataclass(frozen=True)
class Segmented(Message):
    """uncertainty, if asked for: 0 where the heads of the segmentation agree, 255 where they are
    evenly split between two parts.
    """

    photo: Name
    parts: list[PartLayer]
    labels: Mask  # part indices of the aligned crop at the generator's resolution
    w_plus: Latent
    report: dict[str, Any]
    uncertainty: PlacedMask | None = None


@dataclass(frozen=True)
class PaintedPart:
    """A part's layer as it is now; `rect` may reach over the photo's edges."""

    part: Name
    rect: Rect
    alpha: Mask

    def __post_init__(self) -> None:
        _check_fit(self.alpha, self.rect)


@dataclass(frozen=True)
class Repaint(JobRequest):
    """Optimise the latent code until the picture agrees with the painted parts.

    layers: all part layers of the photo, the topmost first; a missing part counts as erased.
    start: a vector to go on from, as LiveRepaint gives it; with 0 steps, the result is its picture.
    """

    photo: Name
    layers: list[PaintedPart]
    steps: Annotated[int, Range(0, 10_000)] = 100
    start: Latent | None = None


@dataclass(frozen=True)
class HasPhoto(JobRequest):
    """Does the backend still have a photo? If not: the error unknown_photo."""

    photo: Name


@dataclass(frozen=True)
class PhotoKnown(Message):
    photo: Name


@dataclass(frozen=True)
class LiveRepaint(JobRequest):
    """Like Repaint, for layers that are being painted on: previews, and a vector in the end.

    Goes on from where the last LiveRepaint of this photo was, if `resume`. With every stroke a
    client ends the one that runs, by Cancel with `keep`, and sends the next.
    """

    photo: Name
    layers: list[PaintedPart]
    steps: Annotated[int, Range(1, 10_000)] = 100
    resume: bool = True


@dataclass(frozen=True)
class LiveRepainted(Message):
    photo: Name
    vector: Latent
    parts: tuple[Name, ...]  # Q_edit
    report: dict[str, Any]


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
    """An edit of the library by name, or a vector with the parts it edits."""

    name: Name | None = None
    vector: Latent | None = None
    parts: tuple[Name, ...] = ()
    scale: Scale = 1.0

    def __post_init__(self) -> None:
        require((self.name is None) != (self.vector is None), "edit", "a name or a vector")


@dataclass(frozen=True)
class Apply(JobRequest):
    """w_plus + the sum of scale * vector, then `refine` steps of optimisation.

    Takes the place of an unstarted Apply of the same client and photo.
    """

    photo: Name
    edits: list[EditRef]
    refine: Annotated[int, Range(0, 10_000)] = 0


@dataclass(frozen=True)
class ResultLayer:
    """RGB is the unfeathered result, alpha the feathered region: 0 where nothing may change."""

    rect: Rect
    pixels: Layer

    def __post_init__(self) -> None:
        _check_fit(self.pixels, self.rect)


@dataclass(frozen=True)
class Edited(Message):
    photo: Name
    layer: ResultLayer
    vector: Latent  # what was learnt, or the sum that was applied
    parts: tuple[Name, ...]  # Q_edit
    labels: Mask
    report: dict[str, Any]


@dataclass(frozen=True)
class SaveEdit(JobRequest):
    """Keep a vector in the user's library, with thumbnails made on this photo."""

    photo: Name
    name: Name
    description: str
    parts: tuple[Name, ...]
    vector: Latent
    low: Scale = -1.0
    high: Scale = 2.0
    learnt_from: Count = 1  # photos


@dataclass(frozen=True)
class Saved(Message):
    name: Name


# --- looking at edits before one is applied -----------------------------------------------------

Side = Annotated[int, Range(16, 512)]  # of a square picture of the aligned subject


@dataclass(frozen=True)
class PreviewStack(JobRequest):
    """How the subject looks with a stack of edits (none: the photo as it is), for a slider.

    Nothing of the photo's full size is computed. Takes the place of an unstarted PreviewStack of
    the same client and photo.
    """

    photo: Name
    edits: list[EditRef]
    side: Side = 384


@dataclass(frozen=True)
class StackPreview(Message):
    photo: Name
    pixels: Preview8  # the aligned crop


@dataclass(frozen=True)
class PreviewEdits(JobRequest):
    """How the subject looks with each of these edits alone, for thumbnails; kept by the backend."""

    photo: Name
    edits: list[EditRef]
    side: Side = 128


@dataclass(frozen=True)
class EditLook:
    """`problem`: a sentence where there is no picture, for instance an edit of another model."""

    pixels: Preview8 | None = None
    problem: str = ""


@dataclass(frozen=True)
class EditLooks(Message):
    looks: list[EditLook]  # in the order of the edits


# --- the edit library ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ListEdits(FilesRequest):
    bundle: Name


@dataclass(frozen=True)
class EditInfo:
    """`before` and `after`: thumbnails, WebP."""

    name: Name
    title: str
    description: str
    parts: tuple[Name, ...]
    low: Scale
    high: Scale
    default: Scale
    source: Literal["preset", "user"]
    before: bytes | None = None
    after: bytes | None = None
    favourite: bool = False


@dataclass(frozen=True)
class Edits(Message):
    edits: list[EditInfo]


@dataclass(frozen=True)
class ListBundles(FilesRequest):
    """All installed models, those that cannot open photos yet included."""


@dataclass(frozen=True)
class BundleInfo:
    """A model for people to look at.

    missing: the networks without which it opens no photos. problem: why it cannot be read at all.
    picture: what it draws, WebP.
    """

    name: Name
    title: str = ""
    resolution: Count = 0
    parts: tuple[Name, ...] = ()
    missing: tuple[Name, ...] = ()
    license: str = ""
    source: str = ""
    problem: str = ""
    picture: bytes | None = None


@dataclass(frozen=True)
class Bundles(Message):
    bundles: list[BundleInfo]


@dataclass(frozen=True)
class GetEdit(FilesRequest):
    bundle: Name
    name: Name


@dataclass(frozen=True)
class EditContent(Message):
    """An edit with its vector; sha: of the generator that it was learnt with."""

    info: EditInfo
    vector: Latent
    sha: Name


@dataclass(frozen=True)
class RenameEdit(FilesRequest):
    bundle: Name
    name: Name
    title: Name


@dataclass(frozen=True)
class DeleteEdit(FilesRequest):
    """Move a user's edit to the library's trash."""

    bundle: Name
    name: Name


@dataclass(frozen=True)
class Deleted(Message):
    """`trash`: what RestoreEdit asks for."""

    trash: Name


@dataclass(frozen=True)
class RestoreEdit(FilesRequest):
    bundle: Name
    trash: Name


@dataclass(frozen=True)
class SetFavourite(FilesRequest):
    bundle: Name
    name: Name
    favourite: bool


@dataclass(frozen=True)
class ExportEdit(FilesRequest):
    bundle: Name
    name: Name


@dataclass(frozen=True)
class Exported(Message):
    """The content of an .editgan file, and a name for it."""

    file: Name
    data: bytes


@dataclass(frozen=True)
class ImportEdit(FilesRequest):
    """Add the edit in an .editgan file's content; `file`: its name, for messages."""

    file: Name
    data: bytes


@dataclass(frozen=True)
class Imported(Message):
    """Where it lies now: an edit may be for another bundle than the one in use."""

    bundle: Name
    name: Name


@dataclass(frozen=True)
class Learn(JobRequest):
    """Learn one edit from several open photos of one bundle: the mean of what each of them learns.

    Either `recipe`, a scripted change of parts (see ListRecipes), is optimised on every photo; or
    the mean of `edits` (results of repaints, say) is refined on every photo towards the parts that
    it predicts there; with steps = 0 it is that mean. others: open photos to try the edit on; where
    there are none, each photo tries what the rest taught.
    """

    photos: list[Name]
    recipe: Name | None = None
    edits: list[EditRef] = field(default_factory=list)
    others: list[Name] = field(default_factory=list)
    steps: Annotated[int, Range(0, 10_000)] = 100

    def __post_init__(self) -> None:
        require(bool(self.photos), "photos", "at least one")
        require((self.recipe is None) != (not self.edits), "learn", "a recipe or edits")


@dataclass(frozen=True)
class Learnt(Message):
    """low, high: the scales at which the subject stays the same and the picture sound.

    report: `learnt_from`: how many photos; `agreement`: the share of the pixels that were to change
    which did, on these photos; `transfer`: the same on photos it was not learnt from, or nil.
    """

    vector: Latent
    parts: tuple[Name, ...]  # Q_edit
    low: Scale
    high: Scale
    report: dict[str, Any]


@dataclass(frozen=True)
class ListRecipes(FilesRequest):
    """The recipes whose parts a bundle has."""

    bundle: Name


@dataclass(frozen=True)
class RecipeInfo:
    name: Name
    title: str
    description: str
    parts: tuple[Name, ...]


@dataclass(frozen=True)
class Recipes(Message):
    recipes: list[RecipeInfo]


# --- events and errors ------------------------------------------------------------------------


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


# --- control ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ping(ControlRequest):
    pass


@dataclass(frozen=True)
class Pong(Message):
    pass


@dataclass(frozen=True)
class Cancel(ControlRequest):
    """keep: a job that runs ends soon, with its best result so far, instead of an error.

    A job that waits, and one that is not optimising anything, has nothing to keep: the first is
    cancelled, the second runs to its end.
    """

    job: Name
    keep: bool = False


@dataclass(frozen=True)
class Cancelled(Message):
    """The job itself answers on the jobs socket: with the error `cancelled`, or its result."""

    job: Name
    found: bool


@dataclass(frozen=True)
class Status(ControlRequest):
    pass


@dataclass(frozen=True)
class StatusReport(Message):
    version: str
    device: str
    bundles: list[dict[str, Any]]
    memory_mb: float
    uptime_s: float
    photos: Count
    running: str | None  # the kind of job at work
    queued: Count
    log: str


@dataclass(frozen=True)
class Log(ControlRequest):
    """The end of the backend's log, for a window that shows it."""


@dataclass(frozen=True)
class LogText(Message):
    text: str


@dataclass(frozen=True)
class Shutdown(ControlRequest):
    reason: str = field(default="")


@dataclass(frozen=True)
class Bye(Message):
    pass


def _concrete(cls: type[Message]) -> list[type[Message]]:
    groups = (JobRequest, FilesRequest, ControlRequest, Event)
    found = [] if cls in groups else [cls]
    return found + [leaf for child in cls.__subclasses__() for leaf in _concrete(child)]


MESSAGES: dict[str, type[Message]] = {cls.__name__: cls for cls in _concrete(Message)[1:]}
