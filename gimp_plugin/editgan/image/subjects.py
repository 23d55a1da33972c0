"""The subjects of an image: a photo of three people has three, each with a State of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gi.repository import Gimp

from image import layer_numbers, layers, state
from link.errors import PlugInError
from protocol.geometry import Rect

_SAME = 0.35  # of the frame's side: nearer centres are those of one subject, found again


def all_of(image: Gimp.Image) -> list[state.State]:
    """Every subject's state, the first found first. Raises PlugInError for a damaged one."""
    found = (state.recall(image, name, state.State) for name in _names(image))
    return [kept for kept in found if kept is not None]


def readable(image: Gimp.Image) -> list[state.State]:
    """Those that can be read: Segment Parts replaces what is damaged."""
    found = []
    for name in _names(image):
        try:
            found.append(state.recall(image, name, state.State))
        except PlugInError:
            continue
    return [kept for kept in found if kept is not None]


def meant(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> state.State | None:
    """The subject that a command is meant for; None where nothing was segmented.

    That of the selected part or result layer, else the one in the selection, else the one whose
    part group lies uppermost, visible ones first, else the one found first.
    """
    known = {kept.subject: kept for kept in all_of(image)}
    numbers = [*_owners(drawables), *_in_selection(image, list(known.values())), *_groups(image)]
    return next((known[n] for n in numbers if n in known), next(iter(known.values()), None))


def keep(image: Gimp.Image, kept: state.State) -> None:
    state.keep(image, _name(kept.subject), kept)


def same(
    known: Sequence[state.State], layer: Gimp.Layer, quad: Sequence[float]
) -> state.State | None:
    """The known subject of the photo `layer` that was found again at `quad`."""
    near = [
        (math.dist(centre(kept.quad), centre(quad)), kept)
        for kept in known
        if kept.layer == layer_numbers.of(layer)
    ]
    distance, nearest = min(near, key=lambda pair: pair[0], default=(math.inf, None))
    return nearest if distance < _SAME * math.dist(quad[0:2], quad[6:8]) else None


def centre(quad: Sequence[float]) -> tuple[float, float]:
    return sum(quad[0::2]) / 4, sum(quad[1::2]) / 4


def _name(subject: int) -> str:
    return state.STATE if subject == 1 else f"{state.STATE}-{subject}"


def _names(image: Gimp.Image) -> list[str]:
    prefix = f"{state.STATE}-"
    more = [name for name in image.get_parasite_list() if name.startswith(prefix)]
    numbers = sorted(int(n) for n in (name.removeprefix(prefix) for name in more) if n.isdigit())
    return [_name(number) for number in (1, *numbers)]


def _owners(drawables: Sequence[Gimp.Drawable]) -> Iterator[int]:
    for drawable in drawables:
        within = Gimp.Layer.from_mask(drawable) if drawable.is_layer_mask() else drawable
        while within is not None:
            if mark := state.recall(within, state.GROUP, state.Group):
                yield mark.subject
            if edit := state.recall(within, state.RESULT, state.EditRecord):
                yield edit.subject
            within = within.get_parent()


def _in_selection(image: Gimp.Image, known: Sequence[state.State]) -> list[int]:
    """The subjects that the selection meets, the one that it covers most first."""
    _found, some, x1, y1, x2, y2 = Gimp.Selection.bounds(image)
    if not some:
        return []
    covered = []
    for kept in known:
        if (layer := layer_numbers.find(image, kept.layer)) is not None:
            _ok, dx, dy = layer.get_offsets()
            selected = Rect.between(x1, y1, x2, y2).moved(-dx, -dy)
            shared = kept.rect.intersected(selected).area
            covered.append((shared / kept.rect.area, kept.subject))
    return [subject for share, subject in sorted(covered, reverse=True) if share > 0]


def _groups(image: Gimp.Image) -> list[int]:
    """The subjects of the part groups, visible ones first, from top to bottom."""
    found = [
        (not layer.get_visible(), mark.subject)
        for layer in layers.walk(image.get_layers())
        if layer.is_group() and (mark := state.recall(layer, state.GROUP, state.Group))
    ]
    return [subject for _hidden, subject in sorted(found, key=lambda pair: pair[0])]
