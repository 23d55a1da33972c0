"""Groups of parts to paint, in one fixed order: brows, eyes, nose, lips ..."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_SIDES = ("left ", "right ")


@dataclass(frozen=True)
class Chip:
    """A name and the parts that it stands for."""

    name: str
    parts: tuple[str, ...]


def of_bundle(parts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[Chip]:
    """Every part but the first one, the background, on exactly one chip.

    The bundle's groups come first, a part being in the first that has it; then left and right
    sides of one thing together; then the rest.
    """
    left = list(parts[1:])
    chips = []
    for name, members in groups.items():
        mine = tuple(part for part in members if part in left)
        left = [part for part in left if part not in mine]
        whole = len(mine) == len(members)
        chips += [Chip(name, mine)] if whole and mine else _alone(mine)
    for part in list(left):
        if part in left and (pair := tuple(p for p in left if _thing(p) == _thing(part))):
            left = [one for one in left if one not in pair]
            chips.append(Chip(_thing(part) if len(pair) > 1 else part, pair))
    return chips


def mirrored(part: str) -> str | None:
    """The same on the other side: "left brow" -> "right brow"; None for what has no sides."""
    for side, other in (_SIDES, _SIDES[::-1]):
        if part.startswith(side):
            return other + part.removeprefix(side)
    return None


def _alone(parts: Iterable[str]) -> list[Chip]:
    return [Chip(part, (part,)) for part in parts]


def _thing(part: str) -> str:
    """A part's name without its side."""
    for side in _SIDES:
        part = part.removeprefix(side)
    return part
