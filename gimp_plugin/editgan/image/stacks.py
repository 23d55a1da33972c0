"""The stack of library edits of one subject: several edits with their strengths, one layer.

It is kept on that layer, vectors included, so that it needs no library to be changed again: in an
XCF that was opened on another machine, or after an edit was renamed or deleted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gi.repository import Gimp

from image import layers, state
from link.backend_texts import in_users_language
from link.errors import PlugInError
from link.texts import _
from protocol.messages import EditContent, EditRef, Latent, Name, Scale

STACK = "editgan-stack"
MAX_SCALE = 100.0


@dataclass(frozen=True)
class Entry:
    """An edit of the stack, and how strong it is: one of the library, or what was painted here.

    on: whether it counts; one that is switched off keeps its strength.
    """

    name: Name
    title: Name
    parts: tuple[Name, ...]  # Q_edit
    vector: Latent
    scale: Scale
    low: Scale
    high: Scale
    default: Scale
    kind: Literal["edit", "repaint"] = "edit"
    on: bool = True


@dataclass(frozen=True)
class Stack:
    """sha: of the generator that the vectors belong to."""

    bundle: Name
    sha: str
    refine: int = 0
    entries: tuple[Entry, ...] = ()

    def refs(self) -> list[EditRef]:
        """What the backend is asked for."""
        return [EditRef(vector=e.vector, parts=e.parts, scale=e.scale) for e in self.counting]

    @property
    def counting(self) -> tuple[Entry, ...]:
        """The entries that change something."""
        return tuple(entry for entry in self.entries if entry.on and entry.scale)

    def title(self) -> str:
        """The layer's name."""
        names = [f"{entry.title} {decimal(entry.scale)}" for entry in self.counting]
        if not names:
            return _("Edits, all switched off")
        shown = " + ".join(names[:3])
        return shown + (_(" + {n} more").format(n=len(names) - 3) if len(names) > 3 else "")


def entry_of(content: EditContent, scale: float | None = None) -> Entry:
    """A library's edit, at a scale or at the one that it starts with."""
    info = in_users_language(content.info)
    return Entry(
        name=info.name,
        title=info.title or info.name,
        parts=info.parts,
        vector=content.vector,
        scale=info.default if scale is None else scale,
        low=info.low,
        high=info.high,
        default=info.default,
    )


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


def with_entry(stack: Stack, entry: Entry) -> Stack:
    """The same with an entry in place of the one of that name, else on top."""
    place = place_of(stack, entry.name)
    if place is None:
        return replace(stack, entries=(*stack.entries, entry))
    entries = list(stack.entries)
    entries[place] = entry
    return replace(stack, entries=tuple(entries))


def without(stack: Stack, place: int) -> Stack:
    return replace(stack, entries=stack.entries[:place] + stack.entries[place + 1 :])


def find(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable], subject: state.SubjectRecord
) -> tuple[Gimp.Layer | None, Stack]:
    """The subject's stack and its layer: the selected one, else the uppermost, else an empty one.

    A stack of another generator is left alone: its vectors mean nothing to the present one.
    """
    for layer in _candidates(image, drawables):
        record = state.recall(layer, state.RESULT, state.EditRecord)
        if record is not None and record.subject == subject.number:
            stack = state.recall(layer, STACK, Stack)
            if stack is not None and stack.sha == subject.sha:
                return layer, stack
    return None, Stack(subject.bundle, subject.sha)


def _candidates(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Iterator[Gimp.Layer]:
    chosen = [Gimp.Layer.from_mask(d) if d.is_layer_mask() else d for d in drawables]
    for layer in [*(c for c in chosen if c), *layers.walk(image.get_layers())]:
        if state.is_marked(layer, STACK):
            yield layer


def tidy(stack: Stack) -> Stack:
    """Without the library's edits whose sliders stand at 0: nobody chose those."""
    entries = (e for e in stack.entries if e.scale or e.kind != "edit" or not e.on)
    return replace(stack, entries=tuple(entries))


def stamp(image: Gimp.Image) -> tuple[tuple[int, bool, bytes], ...]:
    """Another one whenever a result in the image was added, changed, hidden or removed: by undo, or
    by another command.
    """
    found = []
    for layer in layers.walk(image.get_layers()):
        if state.is_marked(layer, state.RESULT):
            stack = layer.get_parasite(STACK)
            shown = stack is not None or layer.get_visible()  # a preview hides the stack's own
            found.append((layer.get_id(), shown, bytes(stack.get_data()) if stack else b""))
    return tuple(found)


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
