"""Previews in a file that was saved while a window showed them: what they show goes on there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gi.repository import Gimp

from image import layers, state
from image.no_trace import no_trace
from image.stacks import STACK, Stack
from link.errors import PlugInError


@dataclass(frozen=True)
class Unkept:
    """On a preview's layer: whose it is, and the stack that it shows."""

    subject: state.Number
    stack: Stack


class GoesOn(Protocol):
    """Whoever may go on with such a stack."""

    number: int
    subject: state.SubjectRecord | None
    stack: Stack | None


def take(image: Gimp.Image) -> list[Unkept]:
    """Take previews that a window has left behind out of the image; what they showed."""
    previews = [one for one in layers.walk(image.get_layers()) if _is_preview(one)]
    found = list(_notes(previews))
    if not previews:
        return []
    with no_trace(image):
        for preview in previews:
            image.remove_layer(preview)
        for layer in layers.walk(image.get_layers()):
            if state.is_marked(layer, STACK) and _owner(layer) in {one.subject for one in found}:
                layer.set_visible(True)  # the preview was there in its place
    Gimp.displays_flush()
    return found


def adopt(unkept: list[Unkept], person: GoesOn) -> None:
    """Let somebody have the stack that was not kept, if it is of the same generator."""
    for one in [one for one in unkept if one.subject == person.number]:
        if person.subject is not None and one.stack.sha == person.subject.sha:
            person.stack = one.stack
            unkept.remove(one)


def _is_preview(layer: Gimp.Layer) -> bool:
    return state.is_marked(layer, state.PREVIEW)


def _notes(previews: list[Gimp.Layer]) -> Iterator[Unkept]:
    for preview in previews:
        try:
            note = state.recall(preview, state.PREVIEW, Unkept)
        except PlugInError:  # a draft, or a part that was lit up
            continue
        if note is not None:
            yield note


def _owner(layer: Gimp.Layer) -> int | None:
    try:
        record = state.recall(layer, state.RESULT, state.EditRecord)
    except PlugInError:
        return None
    return record.subject if record else None
