"""Borrow from Another Photo: the frame in which nobody blinked gives its eyes to this one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gi.repository import Gimp

from commands import apply, embedding, stack_result
from image import layer_numbers, photos, sending, stack_layers, stacks, state, subjects
from image.patches import Patch
from image.stack_layers import StackInImage
from link.errors import PlugInError
from link.part_names import part_name
from link.progress import View
from link.report import Report
from link.session import Session, expect
from link.texts import _
from protocol.facts import as_json
from protocol.messages import Borrow, BundleInfo, Level, Quad, Repainted

Groups = dict[str, tuple[str, ...]]
Known = tuple[photos.PhotoLayer, state.SubjectRecord]
LEVEL: Level = "fast"
_NEAR = 0.15  # of the photo's size: somebody known farther away is another of the group


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    other: Gimp.Image | None,
    parts: str,
    take: Literal["look", "shape"],
    steps: int,
    view: View,
) -> Report:
    """Make borrowed parts an entry of the subject's stack. parts: names of groups or parts, with
    commas. A photo that was not segmented yet is embedded first.
    """
    if other is None or not other.is_valid() or other == image:
        raise PlugInError(_("Choose another open image to borrow from: open it first."))
    with Session(view) as session:
        photo, subject = apply.opened(session, image, drawables)
        names = resolve(parts, groups_of(session, subject.bundle), subject.bundle)
        source, theirs = _subject_of(session, other, subject)
        wanted = Wanted(names, take, steps)
        asked = ", ".join(part_name(name.strip()) for name in parts.split(","))
        title = _("Borrowed {parts}").format(parts=asked)
        mine = photo, subject, stack_layers.find(image, drawables, subject)
        ready, edited = prepared(session, mine, (source, theirs), wanted, title, (0.3, 1.0))
    layer = stack_result.write(ready)
    return {
        "layer": layer.get_name(),
        "edited_parts": list(edited.parts),
        "other": other.get_name(),
        **as_json(edited.report),
    }


@dataclass(frozen=True)
class Wanted:
    """Which parts, and whether with the other photo's pixels or in its shape only."""

    parts: tuple[str, ...]
    take: Literal["look", "shape"] = "look"
    steps: int = 60


def ask(
    session: Session, mine: Known, theirs: Known, wanted: Wanted, span: tuple[float, float]
) -> tuple[Repainted, state.SubjectRecord]:
    """What one subject looks like with parts of another; the image is not changed. Returns the
    first one's state, too, with its photo's present id.
    """
    low, high = span
    middle = low + 0.15 * (high - low)
    other = sending.ensure_photo(session, *theirs, (low, middle))
    answer, subject = sending.about_photo(
        session,
        *mine,
        lambda name: Borrow(
            photo=name,
            other=other.photo,
            parts=wanted.parts,
            take=wanted.take,
            steps=wanted.steps,
        ),
        (middle, high),
    )
    return expect(Repainted, answer), subject


def prepared(
    session: Session,
    mine: tuple[photos.PhotoLayer, state.SubjectRecord, StackInImage],
    theirs: Known,
    wanted: Wanted,
    title: str,
    span: tuple[float, float],
) -> tuple[stack_result.Ready, Repainted]:
    """A subject's stack with parts of another one as its uppermost entry, ready to be written."""
    (photo, subject, found), (low, high) = mine, span
    middle = low + 0.8 * (high - low)
    asked = replace(stacks.borrowed(title, wanted.parts, subject.w_plus), on=False)
    others = stacks.with_borrowed(found.stack, asked)  # without what is replaced
    base = stacks.based(found.below(photo), others, subject.quad)
    edited, subject = ask(session, (base, subject), theirs, wanted, (low, middle))
    pixels = replace(edited.layer.pixels, data=bytes(edited.layer.pixels.data))
    patch = Patch(edited.layer.rect, pixels, subject.quad) if wanted.take == "look" else None
    entry = stacks.borrowed(title, wanted.parts, edited.vector, patch, edited.painted)
    stack = stacks.with_borrowed(found.stack, entry)
    ready = stack_result.prepared(session, photo, subject, stack, found, (middle, high))
    return ready, edited


def others(image: Gimp.Image) -> list[Gimp.Image]:
    """The images that there are to borrow from."""
    return [other for other in Gimp.get_images() if other != image]


def groups_of(session: Session, bundle: str) -> Groups:
    """What can be borrowed, by name: the bundle's groups, and its parts that are in none."""
    status = session.background(session.connection.status)
    described = next((one for one in status.bundles if one.name == bundle), BundleInfo(bundle))
    grouped = {part for parts in described.groups.values() for part in parts}
    alone = [part for part in described.parts if part not in grouped]
    return described.groups | {
        part: (part,) for part in alone[1:]
    }  # the first one is the background


def resolve(parts: str, groups: Groups, bundle: str) -> tuple[str, ...]:
    """The parts that a list of groups and parts stands for."""
    known = groups | {part: (part,) for members in groups.values() for part in members}
    wanted = [name.strip() for name in parts.split(",") if name.strip()]
    if not wanted:
        raise PlugInError(_("No part was chosen: choose what to borrow."))
    for name in wanted:
        if name not in known:
            raise PlugInError(
                _("The model “{bundle}” has no part “{name}”; it has {known}.").format(
                    bundle=bundle, name=name, known=", ".join(known)
                )
            )
    return tuple(dict.fromkeys(part for name in wanted for part in known[name]))


def _subject_of(
    session: Session, other: Gimp.Image, subject: state.SubjectRecord
) -> tuple[photos.PhotoLayer, state.SubjectRecord]:
    """The other image's subject that stands where this one does; it is embedded if need be.

    In two frames of a group portrait people keep their places.
    """
    mine = _place(subject.quad, subject.width, subject.height)
    known = [
        (math.dist(mine, _place(one.quad, one.width, one.height)), one)
        for one in (subjects.placed(other, one) for one in subjects.readable(other))
        if (one.bundle, one.sha) == (subject.bundle, subject.sha)
        and layer_numbers.find(other, one.layer) is not None
    ]
    far, nearest = min(known, key=lambda pair: pair[0], default=(math.inf, None))
    if nearest is not None and far < _NEAR:
        return photos.remembered(other, nearest)
    source = photos.find(other, [])
    found = embedding.detect(session, source, subject.bundle, (0.05, 0.1))
    one = min(found, key=lambda f: math.dist(mine, _place(f.quad, source.width, source.height)))
    wish = embedding.Wish(subject.bundle, LEVEL)
    (done,) = embedding.embed_each(session, source, [one], wish, (0.1, 0.3))
    return source, done.subject


def _place(quad: Quad, width: int, height: int) -> tuple[float, float]:
    """Where a subject stands, in parts of its photo."""
    x, y = subjects.centre(quad)
    return x / width, y / height
