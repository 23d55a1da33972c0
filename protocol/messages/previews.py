"""Small pictures of the subject with edits, before one is applied."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.messages.edits import Stack
from protocol.messages.fields import Name, Preview8, Side
from protocol.messages.kinds import JobRequest, Message


@dataclass(frozen=True)
class PreviewStack(JobRequest):
    """How the subject looks with a stack of edits (none: the photo as it is), for a slider.

    Nothing of the photo's full size is computed. Takes the place of an unstarted PreviewStack of
    the same client and photo.
    """

    photo: Name
    edits: Stack
    side: Side = 384


@dataclass(frozen=True)
class StackPreview(Message):
    photo: Name
    pixels: Preview8  # the aligned crop


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
