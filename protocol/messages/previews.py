"""Small pictures of the subject with edits, before one is applied."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.messages.edits import ResultLayer, Stack
from protocol.messages.fields import Name, Preview8, Side
from protocol.messages.kinds import JobRequest, Message


@dataclass(frozen=True)
class PreviewStack(JobRequest):
    """How the subject looks with a stack of edits (none: the photo as it is), for a slider.

    Takes the place of an unstarted PreviewStack of the same client and photo. on_photo: answer with
    a layer for the canvas, too; otherwise nothing of the photo's full size is computed.
    """

    photo: Name
    edits: Stack
    side: Side = 384
    on_photo: bool = False


@dataclass(frozen=True)
class StackPreview(Message):
    photo: Name
    pixels: Preview8  # the aligned crop
    layer: ResultLayer | None = None  # a draft of the one that Apply makes


@dataclass(frozen=True)
class PreviewEdits(JobRequest):
    """How the subject looks with each of these edits alone, for thumbnails: what is around the
    changes. Kept by the backend.
    """

    photo: Name
    edits: Stack
    side: Side = 128


@dataclass(frozen=True)
class EditThumbnail:
    """`problem`: a sentence where there is no picture, for instance an edit of another model."""

    pixels: Preview8 | None = None
    problem: str = ""


@dataclass(frozen=True)
class EditThumbnails(Message):
    thumbnails: list[EditThumbnail]  # in the order of the edits
