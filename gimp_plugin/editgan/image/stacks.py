"""The stack of one subject: library edits, what was painted, what was borrowed; one layer.

It is kept on that layer, vectors included, so that it needs no library to be changed again: in an
XCF that was opened on another machine, or after an edit was renamed or deleted.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Literal

from image import patches, photos
from image.patches import Patch
from link.backend_texts import in_users_language
from link.errors import PlugInError
from link.texts import _
from protocol.messages import EditContent, EditRef, Latent, Mask, Name, Quad, Scale

STACK = "editgan-stack"
MAX_SCALE = 100.0
PAINTED = "painted"  # the name of the entry that the part layers make
HIGH = 1.5  # the slider's end of what was painted here: a little more than that


@dataclass(frozen=True)
class StackEntry:
    """An edit of the stack, and how strong it is: one of the library, or what was painted or
    borrowed here.

    on: whether it counts; one that is switched off keeps its strength. patch: borrowed pixels,
    which count instead of the vector; the strength is their opacity then. painted: where the vector
    was learnt on this photo, what was painted (see EditRef): it shows there only.
    """

    name: Name
    title: Name
    parts: tuple[Name, ...]  # Q_edit
    vector: Latent
    scale: Scale
    low: Scale
    high: Scale
    default: Scale
    kind: Literal["edit", "repaint", "borrow"] = "edit"
    on: bool = True
    patch: Patch | None = None
    painted: Mask | None = None

    @property
    def shown(self) -> str:
        """Title and strength, "Smile 0.5"; a repaint as it was painted needs no number."""
        plain = self.kind != "edit" and self.scale == 1.0
        return self.title if plain else f"{self.title} {decimal(self.scale)}"


@dataclass(frozen=True)
class Stack:
    """sha: of the generator that the vectors belong to. entries: the uppermost first, which counts
    for borrowed pixels; those lie below all that vectors change.
    """

    bundle: Name
    sha: str
    refine: int = 0
    entries: tuple[StackEntry, ...] = ()

    def refs(self) -> list[EditRef]:
        """What the backend is asked for."""
        vectors = [e for e in self.counting if e.patch is None]
        return [
            EditRef(vector=e.vector, parts=e.parts, scale=e.scale, painted=e.painted)
            for e in vectors
        ]

    @property
    def counting(self) -> tuple[StackEntry, ...]:
        """The entries that change something."""
        return tuple(entry for entry in self.entries if entry.on and entry.scale)

    def title(self) -> str:
        """The layer's name."""
        names = [entry.shown for entry in self.counting]
        if not names:
            return _("Edits, all switched off")
        shown = " + ".join(names[:3])
        return shown + (_(" + {n} more").format(n=len(names) - 3) if len(names) > 3 else "")


def entry_of(content: EditContent, scale: float | None = None) -> StackEntry:
    """A library's edit, at a scale or at the one that it starts with."""
    info = in_users_language(content.info)
    return StackEntry(
        name=info.name,
        title=info.title or info.name,
        parts=info.parts,
        vector=content.vector,
        scale=info.default if scale is None else scale,
        low=info.low,
        high=info.high,
        default=info.default,
    )


def painted(
    title: str, parts: tuple[str, ...], vector: Latent, claims: Mask | None = None
) -> StackEntry:
    """What the part layers ask for; a stack has one such entry."""
    return StackEntry(
        PAINTED, title[:200], parts, vector, scale=1.0, low=0.0, high=HIGH, default=1.0,
        kind="repaint", painted=claims,
    )  # fmt: skip


def borrowed(
    title: str,
    parts: tuple[str, ...],
    vector: Latent,
    patch: Patch | None = None,
    claims: Mask | None = None,
) -> StackEntry:
    """Parts of another photo: its pixels (patch), or this photo's in their shape (vector)."""
    name = f"borrowed {', '.join(parts)}"[:200]
    high = HIGH if patch is None else 1.0
    return StackEntry(
        name, title[:200], parts, vector, scale=1.0, low=0.0, high=high, default=1.0,
        kind="borrow", patch=patch, painted=claims,
    )  # fmt: skip


def with_borrowed(stack: Stack, entry: StackEntry) -> Stack:
    """The same with a borrowed entry on top; what was borrowed for the same parts goes."""
    others = (e for e in stack.entries if e.kind != "borrow" or not set(e.parts) <= {*entry.parts})
    return replace(stack, entries=(entry, *others))


def for_others(stack: Stack) -> list[StackEntry]:
    """What can be laid on the same person in another photo: not the pixels of this one.

    What was painted here is no repaint of the other photo's own.
    """
    shared = [entry for entry in stack.counting if entry.patch is None]
    return [
        entry
        if entry.kind == "edit"
        else replace(entry, name=f"shared {entry.name}"[:200], painted=None)
        for entry in shared
    ]


def based(photo: photos.PhotoLayer, stack: Stack, quad: Quad) -> photos.PhotoLayer:
    """The photo that the stack's vectors change: with its borrowed pixels. quad: of the subject."""
    found = [
        patches.laid(photo.image, entry.patch, quad, entry.scale)
        for entry in reversed(stack.counting)
        if entry.patch is not None
    ]
    return replace(photo, patches=tuple(found))


def set_scale(stack: Stack, place: int, scale: float) -> Stack:
    entries = list(stack.entries)
    entries[place] = replace(entries[place], scale=scale)
    return replace(stack, entries=tuple(entries))


def switched(stack: Stack, place: int, on: bool) -> Stack:
    entries = list(stack.entries)
    entries[place] = replace(entries[place], on=on)
    return replace(stack, entries=tuple(entries))


def moved(stack: Stack, place: int, by: int) -> Stack:
    """The same with an entry further down (by > 0) or up, as far as the ends allow."""
    entries = list(stack.entries)
    entry = entries.pop(place)
    entries.insert(min(max(place + by, 0), len(entries)), entry)
    return replace(stack, entries=tuple(entries))


def place_of(stack: Stack, name: str) -> int | None:
    names = [entry.name for entry in stack.entries]
    return names.index(name) if name in names else None


def with_entry(stack: Stack, entry: StackEntry) -> Stack:
    """The same with an entry in place of the one of that name, else on top."""
    place = place_of(stack, entry.name)
    if place is None:
        return replace(stack, entries=(*stack.entries, entry))
    entries = list(stack.entries)
    entries[place] = entry
    return replace(stack, entries=tuple(entries))


def without(stack: Stack, place: int) -> Stack:
    return replace(stack, entries=stack.entries[:place] + stack.entries[place + 1 :])


def tidy(stack: Stack) -> Stack:
    """Without the library's edits whose sliders stand at 0: nobody chose those."""
    entries = (e for e in stack.entries if e.scale or e.kind != "edit" or not e.on)
    return replace(stack, entries=tuple(entries))


def parse(text: str) -> list[tuple[str, float | None]]:
    """The argument `edits`: [{"edit": "smile", "scale": 0.8}, ...] -> [("smile", 0.8), ...].

    Raises PlugInError for anything else.
    """
    try:
        edits = [_parsed(item) for item in json.loads(text)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PlugInError(
            _(
                "The argument “edits” is not a list like "
                '[{{"edit": "smile", "scale": 0.8}}] ({error}): correct it.'
            ).format(error=str(error)[:80] or type(error).__name__)
        ) from error
    return edits


def _parsed(item: dict[str, object]) -> tuple[str, float | None]:
    name, scale = item["edit"], item.get("scale")
    if not isinstance(name, str) or not name or set(item) - {"edit", "scale"}:
        raise ValueError(str(item))
    if scale is None:
        return name, None
    number = float(scale)  # type: ignore[arg-type]
    if not math.isfinite(number) or abs(number) > MAX_SCALE:
        raise ValueError(f"scale {scale}")
    return name, number


def as_json(stack: Stack) -> str:
    """The stack as the argument `edits`, for running the same on another photo."""
    mine = [entry for entry in stack.entries if entry.kind == "edit" and entry.on]
    return json.dumps([{"edit": e.name, "scale": round(e.scale, 3)} for e in mine])


def decimal(scale: float) -> str:
    """1 -> "1.0", 0.25 -> "0.25"."""
    short = f"{scale:.2f}"
    return short[:-1] if short.endswith("0") else short
