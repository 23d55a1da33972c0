"""Segment Parts: find the subjects, embed each, and show its parts as layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import layer_numbers
import layers
import palette
import part_layers
import photo as photos
import preview
import state
import subjects
import uncertainty
from errors import PlugInError
from gi.repository import Gimp
from session import Session, expect
from views import View

from protocol.messages import Detect, Detected, PartLayer, Segment, Segmented, Subject

Report = dict[str, Any]
Span = tuple[float, float]
_QUALITIES = ("poorly", "roughly", "well")  # the backend's verdicts on a reconstruction


@dataclass(frozen=True)
class Wish:
    """uncertainty: add a layer that shows where the model is unsure of the parts."""

    bundle: str
    level: str
    uncertainty: bool = False


@dataclass(frozen=True)
class Embedded:
    """A subject that the backend knows now: its parts, and what the image shall remember."""

    segmented: Segmented
    kept: state.State


def run(image: Gimp.Image, drawables: Sequence[Gimp.Drawable], wish: Wish, view: View) -> Report:
    """Segment the photo and add a part group for each subject, in place of those that are there.

    All subjects, or the one in the selection.
    """
    photo = photos.find(image, drawables)
    known = subjects.readable(image)
    with Session(view) as session:
        found = detect(session, photo, wish.bundle, (0.05, 0.2))
        wanted = found[:1] if photo.selection() else found
        done = _embed_each(session, photo, wanted, wish, (0.2, 1.0))
    palette.install(wish.bundle, done[0].segmented.parts)
    several = len({*(k.subject for k in known), *(e.kept.subject for e in done)}) > 1
    with layers.undo_step(image) as added:
        groups = [_show(photo, one, several, added) for one in done]
    image.set_selected_layers([_topmost_seen(groups[0], done[0].segmented.parts)])
    return {
        "group": groups[0].get_name(),
        "groups": [group.get_name() for group in groups],
        "parts": [part.name for part in done[0].segmented.parts],
        "bundle": wish.bundle,
        "photo_layer": photo.layer.get_name(),
        "subjects": len(found),
        "too_small": len(wanted) - len(done),
        **worst([one.segmented.report for one in done]),
    }


def embed(
    session: Session, photo: photos.Photo, bundle: str, level: str
) -> tuple[Segmented, state.State, int]:
    """Detect, send and embed the photo's best subject.

    Returns the parts, what the image shall remember, and how many subjects were seen.
    """
    found = detect(session, photo, bundle, (0.05, 0.25))
    (done,) = _embed_each(session, photo, found[:1], Wish(bundle, level), (0.25, 1.0))
    return done.segmented, done.kept, len(found)


def embed_all(session: Session, photo: photos.Photo, wish: Wish, span: Span) -> list[Embedded]:
    """Detect, send and embed every subject of the photo; the image is not changed."""
    low, high = span
    middle = low + 0.2 * (high - low)
    found = detect(session, photo, wish.bundle, (low, middle))
    return _embed_each(session, photo, found, wish, (middle, high))


def detect(session: Session, photo: photos.Photo, bundle: str, span: Span) -> list[Subject]:
    """The subjects in the photo, or those that the selection meets; best first, never empty."""
    small, scale = preview.shrunken(photo.layer)
    message = Detect(
        bundle=bundle,
        preview=small,
        scale=scale,
        width=photo.width,
        height=photo.height,
        selection=photo.selection(),
    )
    return expect(Detected, session.request(message, span)).subjects


def worst(reports: Sequence[Report]) -> Report:
    """The report on the subject that the model represents least well."""

    def rank(report: Report) -> int:
        quality = report.get("quality")
        return _QUALITIES.index(quality) if quality in _QUALITIES else len(_QUALITIES)

    return min(reports, key=rank)


def _topmost_seen(group: Gimp.GroupLayer, parts: Sequence[PartLayer]) -> Gimp.Layer:
    """The one to begin with: above it lie only parts that the photo does not show."""
    seen = [part.name for part in parts if any(bytes(part.alpha.data))]
    layers = group.get_children()
    return next((layer for layer in layers if layer.get_name() in seen), layers[0])


def _embed_each(
    session: Session, photo: photos.Photo, wanted: Sequence[Subject], wish: Wish, span: Span
) -> list[Embedded]:
    """Embed each; those too small for the model are left out, unless all are."""
    known = subjects.readable(photo.image)
    done: list[Embedded] = []
    problem: PlugInError | None = None
    step = (span[1] - span[0]) / len(wanted)
    for place, subject in enumerate(wanted):
        begin = span[0] + place * step
        try:
            one = _embed(session, photo, subject, wish, (begin, begin + step))
        except PlugInError as error:
            if error.code != "bad_image":
                raise
            problem = error
            continue
        before = subjects.same(known, photo.layer, subject.quad)
        numbers = [kept.subject for kept in (*known, *(other.kept for other in done))]
        done.append(_numbered(one, before, max(numbers, default=0) + 1))
    if problem is not None and not done:
        raise problem
    return done


def _numbered(one: Embedded, before: state.State | None, new: int) -> Embedded:
    """A subject found again keeps its number, and its edits as long as the generator is the same.

    before: what the image remembers of it.
    """
    if before is None:
        return replace(one, kept=replace(one.kept, subject=new))
    stack = before.stack if before.sha == one.kept.sha else ()
    return replace(one, kept=replace(one.kept, subject=before.subject, stack=stack))


def _embed(
    session: Session, photo: photos.Photo, subject: Subject, wish: Wish, span: Span
) -> Embedded:
    pixels = photo.pixels(subject.rect)
    message = Segment(
        bundle=wish.bundle,
        photo=photos.digest(pixels, subject.quad, wish.bundle),
        quad=subject.quad,
        rect=subject.rect,
        pixels=pixels,
        width=photo.width,
        height=photo.height,
        level=wish.level,
        uncertainty=wish.uncertainty,
    )
    segmented = expect(Segmented, session.request(message, span))
    kept = state.State(
        photo=message.photo,
        layer=photo.number,
        width=photo.width,
        height=photo.height,
        bundle=wish.bundle,
        sha=session.bundle_sha(wish.bundle),
        level=wish.level,
        quad=subject.quad,
        rect=subject.rect,
        w_plus=segmented.w_plus,
        labels=segmented.labels,
        report=segmented.report,
    )
    return Embedded(segmented, kept)


def _show(
    photo: photos.Photo, one: Embedded, several: bool, added: list[Gimp.Layer]
) -> Gimp.GroupLayer:
    """Put a subject's part group into the image, and remember the subject."""
    kept = one.kept
    mark = state.Group(kept.photo, kept.bundle, kept.subject)
    previous = part_layers.find_group(photo.image, kept.subject)
    group = part_layers.build(photo, one.segmented.parts, mark, kept.rect, added)
    if previous is not None:
        part_layers.replace(previous, group, [part.name for part in one.segmented.parts])
    group.set_name(part_layers.group_name(kept.bundle, kept.subject if several else None))
    uncertainty.show(photo, one.segmented.uncertainty, mark, added)
    layer_numbers.keep(photo.layer, kept.layer)
    subjects.keep(photo.image, kept)
    return group
