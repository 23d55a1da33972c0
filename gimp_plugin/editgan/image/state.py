"""What an image remembers: parasites, kept in XCF files and undone with the step that wrote them.

Four kinds: a SubjectRecord for each subject of the image (which photo, where the subject is, its
embedding, the stack of edits), a GroupMark on its part group, a PartMark on every part layer, an
EditRecord on every result layer. They are coded by the protocol's own typed coding, so that a
damaged or hostile XCF is a clear error.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from gi.repository import Gimp

from link.errors import PlugInError
from link.texts import _
from protocol.facts import PhotoReport
from protocol.messages import Latent, Level, Mask, Name, PaintedPart, Quad, Rect, Scale, Size
from protocol.typed import OfAnyVersion, ProtocolError, Range, from_wire, to_wire

STATE, GROUP, PART, RESULT = "editgan-state", "editgan-group", "editgan-part", "editgan-result"
UNSURE = "editgan-uncertainty"
PREVIEW = "editgan-preview"  # on layers that are there for looking only
_OURS = (GROUP, PART, RESULT, UNSURE, PREVIEW)
FORMAT = 1
_FLAGS = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
_MAX_RASTER = 256 << 20  # bytes: a raster in a stranger's XCF must not fill the memory
_LARGE = 1 << 20  # bytes

Number = Annotated[int, Range(1, 100_000)]  # of a subject, in the order in which they were found


@dataclass(frozen=True)
class GroupMark:
    """Marks a part group, or an uncertainty layer, and says what it belongs to.

    made: the parts that were given layers; None: all of them.
    quad: the subject's frame when the group was made; None in files of version 0.1.
    """

    photo: Name
    bundle: Name
    subject: Number = 1
    made: tuple[Name, ...] | None = None
    quad: Quad | None = None


@dataclass(frozen=True)
class PartMark:
    """Marks a part layer, whatever the user renames it to.

    rect: where it was made, in the photo layer's pixels; None in files of version 0.1.
    """

    name: Name
    bundle: Name
    rect: Rect | None = None


@dataclass(frozen=True)
class EditRecord:
    """An edit in a result layer: enough to repeat it, change its scale or save it to the library.

    kind: "repaint", "borrow" or "stack" (of edits of the library). layer: the number of the result
    layer.
    """

    kind: Name
    name: Name
    scale: Scale
    refine: int
    parts: tuple[Name, ...]  # Q_edit
    vector: Latent
    bundle: Name
    layer: int
    subject: Number = 1


@dataclass(frozen=True)
class SubjectRecord:
    """What the backend needs to know one subject of a photo again, on another machine too.

    photo: its id (photos.digest). layer: the photo layer's number. quad, rect: in that layer's
    pixels. labels: the base label map of the aligned crop. look: a small picture of what lies in
    the quad, by which it is found again (see frames.py); None in files of version 0.1. corrected:
    the part layers as the user has put them right, topmost first, in the layer's pixels; empty
    where nobody has.
    """

    photo: Name
    layer: int
    width: Size
    height: Size
    bundle: Name
    sha: str  # of the bundle's generator: w_plus means nothing to another one
    level: Level
    quad: Quad
    rect: Rect
    w_plus: Latent
    labels: Mask
    report: Annotated[PhotoReport, OfAnyVersion()]
    stack: tuple[EditRecord, ...] = ()
    subject: Number = 1
    look: Mask | None = None
    corrected: tuple[PaintedPart, ...] = ()

    @property
    def number(self) -> int:
        """The subject's, in the order in which they were found; `subject` in the files."""
        return self.subject


T = TypeVar("T")


def keep(owner: Gimp.Image | Gimp.Item, name: str, record: object) -> None:
    """Write a record (a dataclass) to an image or layer, replacing the one of that name."""
    frames: list[Any] = []
    value = to_wire(record, frames)
    packed = [base64.b64encode(_deflate(bytes(frame))).decode("ascii") for frame in frames]
    text = json.dumps({"format": FORMAT, "record": value, "rasters": packed})
    owner.attach_parasite(Gimp.Parasite.new(name, _FLAGS, text.encode("ascii")))


def recall(owner: Gimp.Image | Gimp.Item, name: str, kind: type[T]) -> T | None:
    """The record of that name, None where there is none.

    Raises PlugInError for one that cannot be read.
    """
    parasite = owner.get_parasite(name)
    if parasite is None:
        return None
    try:
        document = json.loads(bytes(parasite.get_data()))
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}")
        frames = [_inflate(raster) for raster in document["rasters"]]
        return from_wire(kind, document["record"], frames, name)
    except (ValueError, TypeError, KeyError, AttributeError, ProtocolError, zlib.error) as error:
        raise PlugInError(
            _(
                "The EditGAN data in this image cannot be read ({error}): run Segment Parts again."
            ).format(error=str(error)[:120] or type(error).__name__)
        ) from error


def mark_preview(layer: Gimp.Layer) -> None:
    layer.attach_parasite(Gimp.Parasite.new(PREVIEW, Gimp.PARASITE_PERSISTENT, b"1"))


def is_marked(item: Gimp.Item, name: str) -> bool:
    return item.get_parasite(name) is not None


def is_ours(layer: Gimp.Layer) -> bool:
    """Whether it, or a group that it lies in, was made by EditGAN."""
    within: Gimp.Layer | None = layer
    while within is not None:
        if any(is_marked(within, mark) for mark in _OURS):
            return True
        within = within.get_parent()
    return False


def _deflate(data: bytes) -> bytes:
    """Borrowed pixels may be many: those are packed fast rather than tight."""
    return zlib.compress(data, 6 if len(data) < _LARGE else 1)


def _inflate(packed: str) -> bytes:
    return zlib.decompressobj().decompress(base64.b64decode(packed), _MAX_RASTER)


def renamed(subject: SubjectRecord, photo: str) -> SubjectRecord:
    return replace(subject, photo=photo)
