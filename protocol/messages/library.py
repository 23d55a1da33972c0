"""The edits on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from protocol.messages.fields import Count, Latent, Name, Scale
from protocol.messages.kinds import FilesRequest, JobRequest, Message


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
class ListEdits(FilesRequest):
    bundle: Name


@dataclass(frozen=True)
class Edits(Message):
    edits: list[EditInfo]


@dataclass(frozen=True)
class GetEdit(FilesRequest):
    bundle: Name
    name: Name


@dataclass(frozen=True)
class EditContent(Message):
    """An edit with its vector; sha: of the generator that it was learned with."""

    info: EditInfo
    vector: Latent
    sha: Name


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
class RenameEdit(FilesRequest):
    bundle: Name
    name: Name
    title: Name


@dataclass(frozen=True)
class SetFavourite(FilesRequest):
    bundle: Name
    name: Name
    favourite: bool


@dataclass(frozen=True)
class Saved(Message):
    name: Name


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
