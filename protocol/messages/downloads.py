"""Public models: fetched from where their makers publish them, and made into a bundle."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.messages.fields import Name
from protocol.messages.kinds import FilesRequest, Message, TransferRequest


@dataclass(frozen=True)
class DownloadableModel:
    """terms: where they can be read. size: bytes, None where it is not known. verified: whether
    what arrives can be checked. installed: whether there is a model of that name already."""

    name: Name
    title: str
    domain: str
    license: str
    terms: str
    size: int | None
    verified: bool
    installed: bool


@dataclass(frozen=True)
class ListDownloads(FilesRequest):
    """The public models that can be fetched."""


@dataclass(frozen=True)
class Downloads(Message):
    models: list[DownloadableModel]


@dataclass(frozen=True)
class Download(TransferRequest):
    """Fetch a model, or go on where that broke off, and install it.

    accepted: the address of the terms that the user has accepted.
    """

    name: Name
    accepted: str


@dataclass(frozen=True)
class Downloaded(Message):
    """The new model; notes: what the importer has to say of the file."""

    bundle: Name
    notes: list[str]
