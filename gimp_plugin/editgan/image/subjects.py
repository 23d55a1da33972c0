"""The subjects of an image: a photo of three people has three, each with a record of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from gi.repository import Gimp

from image import frames, layer_numbers, layers, state
from link.errors import PlugInError
from protocol.geometry import Rect

_SAME = 0.35  # of the frame's side: nearer centres are those of one subject, found again
_worked_on: tuple[int, int | None] | None = None  # an image's id, and a subject of it
_ON_FACE = 0.3  # of the frame's side: a selection whose middle is nearer to a face's means that one


def all_of(image: Gimp.Image) -> list[state.SubjectRecord]:
    """Every subject's record, the first found first. Raises PlugInError for a damaged one."""
    found = (state.recall(image, name, state.SubjectRecord) for name in names(image))
    return [subject for subject in found if subject is not None]


def readable(image: Gimp.Image) -> list[state.SubjectRecord]:
    """Those that can be read: Segment Parts replaces what is damaged."""
    found = []
    for name in names(image):
        try:
            found.append(state.recall(image, name, state.SubjectRecord))
        except PlugInError:
            continue
    return [subject for subject in found if subject is not None]


def placed(image: Gimp.Image, subject: state.SubjectRecord) -> state.SubjectRecord:
    """With its frame where the subject is now; as the image remembers it if that is not known."""
    layer = layer_numbers.find(image, subject.layer)
    try:
        return frames.carried(image, layer, subject) if layer is not None else subject
    except PlugInError:  # told by the command that needs this subject
        return subject


@contextmanager
def worked_on(image: Gimp.Image, number: int | None) -> Iterator[None]:
    """Commands inside are meant for this subject of the image, chosen in the EditGAN window."""
    global _worked_on
    before, _worked_on = _worked_on, (image.get_id(), number)
    try:
        yield
    finally:
        _worked_on = before


def meant(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> state.SubjectRecord | None:
    """The subject that a command is meant for; None where nothing was segmented.

    The one that is worked on in a window, else that of the selected part or result layer, else the
    one in the selection, else the one whose part group lies uppermost, visible ones first, else the
    one found first.
    """
    known = {subject.number: subject for subject in all_of(image)}
    owners = _owners(image, drawables)
    numbers = [*owners, *_in_selection(image, list(known.values())), *_groups(image)]
    return next((known[n] for n in numbers if n in known), next(iter(known.values()), None))


def is_selected(image: Gimp.Image) -> bool:
    """Whether the selection, if there is one, lies on a known subject rather than beside all."""
    return not Gimp.Selection.bounds(image)[1] or bool(_in_selection(image, all_of(image)))


def owner(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> state.SubjectRecord | None:
    """The one that is worked on in a window, else that of the selected part or result layer."""
    known = {subject.number: subject for subject in all_of(image)}
    numbers = _owners(image, drawables)
    return next((known[number] for number in numbers if number in known), None)


def keep(
    image: Gimp.Image, layer: Gimp.Layer, subject: state.SubjectRecord, added: list[Gimp.Item]
) -> None:
    """Remember a subject of the photo `layer`. Call inside `layers.undo_step`."""
    layer_numbers.keep(layer, subject.layer)
    if subject.look is None:  # of version 0.1
        subject = replace(subject, look=frames.look(layer, subject.quad))
    if path := frames.remember(image, layer, subject.number, subject.quad):
        added.append(path)
    state.keep(image, _name(subject.number), subject)


def same(
    known: Sequence[state.SubjectRecord], layer: Gimp.Layer, quad: Sequence[float]
) -> state.SubjectRecord | None:
    """The known subject of the photo `layer` that was found again at `quad`."""
    near = [
        (math.dist(centre(subject.quad), centre(quad)), subject)
        for subject in known
        if subject.layer == layer_numbers.of(layer)
    ]
    distance, nearest = min(near, key=lambda pair: pair[0], default=(math.inf, None))
    return nearest if distance < _SAME * math.dist(quad[0:2], quad[6:8]) else None


def centre(quad: Sequence[float]) -> tuple[float, float]:
    return sum(quad[0::2]) / 4, sum(quad[1::2]) / 4


def _name(number: int) -> str:
    return state.STATE if number == 1 else f"{state.STATE}-{number}"


def names(image: Gimp.Image) -> list[str]:
    """Of the records, readable or not, the first subject's always."""
    prefix = f"{state.STATE}-"
    more = [name for name in image.get_parasite_list() if name.startswith(prefix)]
    numbers = sorted(int(n) for n in (name.removeprefix(prefix) for name in more) if n.isdigit())
    return [_name(number) for number in (1, *numbers)]


def _owners(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Iterator[int]:
    if _worked_on and _worked_on[0] == image.get_id() and _worked_on[1] is not None:
        yield _worked_on[1]
    for drawable in drawables:
        within = Gimp.Layer.from_mask(drawable) if drawable.is_layer_mask() else drawable
        while within is not None:
            if mark := state.recall(within, state.GROUP, state.GroupMark):
                yield mark.subject
            if edit := state.recall(within, state.RESULT, state.EditRecord):
                yield edit.subject
            within = within.get_parent()


def _in_selection(image: Gimp.Image, known: Sequence[state.SubjectRecord]) -> list[int]:
    """The subjects that the selection means, the one that it covers most first: it holds the
    middle of their face, or its own middle lies on it.
    """
    _found, some, x1, y1, x2, y2 = Gimp.Selection.bounds(image)
    if not some:
        return []
    covered = []
    for subject in (placed(image, one) for one in known):
        if (layer := layer_numbers.find(image, subject.layer)) is not None:
            _ok, dx, dy = layer.get_offsets()
            selected = Rect.between(x1, y1, x2, y2).moved(-dx, -dy)
            if _means(selected, subject.quad):
                shared = subject.rect.intersected(selected).area
                covered.append((shared / subject.rect.area, subject.number))
    return [number for share, number in sorted(covered, reverse=True) if share > 0]


def _means(selected: Rect, quad: Sequence[float]) -> bool:
    x, y = centre(quad)
    if selected.x <= x < selected.right and selected.y <= y < selected.bottom:
        return True
    middle = selected.x + selected.width / 2, selected.y + selected.height / 2
    return math.dist((x, y), middle) < _ON_FACE * math.dist(quad[0:2], quad[6:8])


def _groups(image: Gimp.Image) -> list[int]:
    """The subjects of the part groups, visible ones first, from top to bottom."""
    found = [
        (not layer.get_visible(), mark.subject)
        for layer in layers.walk(image.get_layers())
        if layer.is_group() and (mark := state.recall(layer, state.GROUP, state.GroupMark))
    ]
    return [number for _hidden, number in sorted(found, key=lambda pair: pair[0])]
