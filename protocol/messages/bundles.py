"""The installed models."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.facts import BundleInfo
from protocol.messages.kinds import FilesRequest, Message


@dataclass(frozen=True)
class ListBundles(FilesRequest):
    """All installed models, those that cannot open photos yet included."""


@dataclass(frozen=True)
class Bundles(Message):
    bundles: list[BundleInfo]
