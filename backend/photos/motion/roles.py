"""What a model's parts are to motion: what moves as one, where a subject opens, what stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from backend.photos.arrays import Bytes, Floats

_BEHIND = ("background", "hair", "hat", "clothes", "cloth", "neck", "body", "necklace")
_SIDES = ("left ", "right ")
_OPENINGS = (("upper lip", "mouth interior", "lower lip"),)
_EYES, _MOUTHS = (("eye", "skin", "skin", "brow"),), (("mouth interior", "upper lip", "lower lip"),)


class NamedPart(Protocol):
    """What this module needs of a bundle's part."""

    @property
    def name(self) -> str: ...
    @property
    def index(self) -> int: ...


@dataclass(frozen=True)
class OpeningRole:
    """A part between two others that part to show it, as channels."""

    above: int
    gap: int
    below: int


@dataclass(frozen=True)
class ClosingRole:
    """A gap that what lies above and below it can close over, as channels. brow: what may come
    along above an eye; None for a mouth."""

    gap: int
    above: int
    below: int
    brow: int | None = None


@dataclass(frozen=True)
class PartRoles:
    """Roles of parts.

    channels: groups of label values that are registered together, so that the two brows share one
    map. The other fields name channels. surface: what the subject's surface consists of, which
    moves as a whole; hair, clothes and background do not. openings: where it can open. closings:
    where it can shut.
    """

    channels: tuple[tuple[int, ...], ...] = ()
    surface: tuple[int, ...] = ()
    hair: tuple[int, ...] = ()
    openings: tuple[OpeningRole, ...] = ()
    closings: tuple[ClosingRole, ...] = ()

    @classmethod
    def of(cls, parts: Sequence[NamedPart]) -> PartRoles:
        """The roles that the names of a bundle's parts tell; the first part is the background."""
        groups: dict[str, list[int]] = {}
        for part in parts[1:]:
            groups.setdefault(_without_side(part.name), []).append(part.index)
        channel = {name: i for i, name in enumerate(groups)}
        return cls(
            channels=tuple(tuple(group) for group in groups.values()),
            surface=tuple(i for name, i in channel.items() if name not in _BEHIND),
            hair=tuple(channel[name] for name in ("hair",) if name in channel),
            openings=tuple(OpeningRole(*found) for found in _all_of(_OPENINGS, channel)),
            closings=tuple(ClosingRole(*found) for found in _all_of(_EYES + _MOUTHS, channel)),
        )

    def maps(self, labels: Bytes) -> Floats:
        """Labels [L, L] as one map for each channel, float32 [L, L, C], 0 or 1."""
        maps = np.zeros((*labels.shape, len(self.channels)), np.float32)
        for i, group in enumerate(self.channels):
            maps[..., i] = np.isin(labels, group)
        return maps


def _all_of(roles: Sequence[Sequence[str]], channel: dict[str, int]) -> Iterator[list[int]]:
    """The channels of those roles that a model has all the parts for."""
    for names in roles:
        if all(name in channel for name in names):
            yield [channel[name] for name in names]


def _without_side(name: str) -> str:
    for side in _SIDES:
        if name.startswith(side):
            return name[len(side) :]
    return name
