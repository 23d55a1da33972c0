"""Groups of parts to paint, in one fixed order: brows, eyes, nose, lips ..."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from image import part_pixels
from protocol.messages import PartLayer

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


def laid_out(
    parts: Sequence[PartLayer], groups: Mapping[str, Sequence[str]]
) -> tuple[list[Chip], list[PartLayer]]:
    """The chips for the parts that a face shows, and the order of part layers, the topmost first.

    parts: all that the model knows.
    """
    chips = of_bundle([one.name for one in sorted(parts, key=lambda one: one.index)], groups)
    shown = {part.name for part in parts if part_pixels.shows(part.alpha)}
    there = [replace(chip, parts=tuple(p for p in chip.parts if p in shown)) for chip in chips]
    rank = [name for chip in chips for name in chip.parts]
    order = sorted(parts, key=lambda p: rank.index(p.name) if p.name in rank else len(rank))
    return [chip for chip in there if chip.parts], order


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
