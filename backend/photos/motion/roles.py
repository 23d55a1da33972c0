"""What a model's parts are to motion: what moves as one, where a subject opens, what stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from backend.photos.arrays import Bytes, Flags, Floats

_BEHIND = ("background", "hair", "hat", "clothes", "cloth", "neck", "body", "necklace")
_SIDES = ("left ", "right ")
_OPENINGS = (("upper lip", "mouth interior", "lower lip"),)


class Part(Protocol):
    """What this module needs of a bundle's part."""

    @property
    def name(self) -> str: ...
    @property
    def index(self) -> int: ...


@dataclass(frozen=True)
class Opening:
    """A part between two others that part to show it: label values."""

    above: int
    gap: int
    below: int


@dataclass(frozen=True)
class PartRoles:
    """Roles of label values.

    channels: groups that are registered together, so that the two brows share one map; the parts
    of an opening have a channel each. surface: what the subject's surface consists of, which moves
    as a whole; hair, clothes and background do not. openings: where it can open.
    """

    channels: tuple[tuple[int, ...], ...]
    surface: tuple[int, ...]
    hair: tuple[int, ...]
    openings: tuple[Opening, ...]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> PartRoles:
        """The roles that the names of a bundle's parts tell; the first part is the background."""
        index = {part.name: part.index for part in parts}
        groups: dict[str, list[int]] = {}
        for part in parts[1:]:
            groups.setdefault(_without_side(part.name), []).append(part.index)
        return cls(
            tuple(tuple(group) for group in groups.values()),
            tuple(part.index for part in parts[1:] if part.name not in _BEHIND),
            tuple(index[name] for name in ("hair",) if name in index),
            tuple(
                Opening(*(index[name] for name in names))
                for names in _OPENINGS
                if all(name in index for name in names)
            ),
        )

    def channel(self, label: int) -> int:
        """The channel that a label value belongs to."""
        return next(i for i, group in enumerate(self.channels) if label in group)

    def maps(self, labels: Bytes) -> Floats:
        """Labels [L, L] as one map for each channel, float32 [L, L, C], 0 or 1."""
        maps = np.zeros((*labels.shape, len(self.channels)), np.float32)
        for i, group in enumerate(self.channels):
            maps[..., i] = np.isin(labels, group)
        return maps

    def on_surface(self, labels: Bytes) -> Flags:
        """Where labels [L, L] show the subject's surface: bool [L, L]."""
        return np.isin(labels, self.surface)


def _without_side(name: str) -> str:
    for side in _SIDES:
        if name.startswith(side):
            return name[len(side) :]
    return name
