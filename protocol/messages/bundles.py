"""The installed models."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.messages.fields import Count, Name
from protocol.messages.kinds import FilesRequest, Message


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
