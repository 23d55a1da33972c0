"""Segment Parts: find the subjects, embed each, and show its parts as layers."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from commands import borrow
from commands.embedding import Embedded, Wish, detect, embed_each, meant
from image import layers, palette, part_layers, part_pixels, photos, state, subjects, uncertainty
from link.progress import View
from link.report import Report
from link.session import Session
from link.texts import _
from protocol.facts import as_json
from protocol.messages import PartLayer

_QUALITIES = ("poorly", "roughly", "well")  # the backend's verdicts on a reconstruction


def run(image: Gimp.Image, drawables: Sequence[Gimp.Drawable], wish: Wish, view: View) -> Report:
    """Segment the photo and add a part group for each subject, in place of those that are there.

    All subjects, or the one in the selection.
    """
    photo = photos.find(image, drawables)
    known = subjects.readable(image)
    with Session(view) as session:
        found = detect(session, photo, wish.bundle, (0.05, 0.2))
        wanted = found[:1] if photo.selection() else meant(found)
        done = embed_each(session, photo, wanted, wish, (0.2, 0.95))
        order = part_order(session, wish.bundle)
    view.say(_("Adding the part layers"), 0.95)
    palette.install(wish.bundle, done[0].segmented.parts)
    several = len({*(k.subject for k in known), *(e.subject.number for e in done)}) > 1
    with layers.undo_step(image) as added:
        made = [show(photo, one, order, several, added) for one in done]
    image.set_selected_layers(made[0].get_children()[:1])
    return {
        "group": made[0].get_name(),
        "groups": [group.get_name() for group in made],
        "layers": list(part_layers.made_in(made[0]) or ()),
        "parts": [part.name for part in done[0].segmented.parts],
        "bundle": wish.bundle,
        "photo_layer": photo.layer.get_name(),
        "subjects": len(found),
        "too_small": len(wanted) - len(done),
        "left_out": 0 if photo.selection() else len(found) - len(wanted),
        **worst([{**as_json(one.segmented.report), "subject": one.subject.number} for one in done]),
    }


def part_order(session: Session, bundle: str) -> list[str]:
    """The parts of the model's groups, in the order in which their layers lie."""
    return [part for members in borrow.groups_of(session, bundle).values() for part in members]


def worst(reports: Sequence[Report]) -> Report:
    """The report on the subject that the model represents least well."""

    def rank(report: Report) -> int:
        quality = report.get("quality")
        return _QUALITIES.index(quality) if quality in _QUALITIES else len(_QUALITIES)

    return min(reports, key=rank)


def _in_order(parts: Sequence[PartLayer], order: Sequence[str]) -> list[PartLayer]:
    """Those that the photo shows, the topmost first: the same order in every photo.

    order: the parts' names; what is not in it, the background say, lies below.
    """
    rank = {name: place for place, name in reversed(list(enumerate(order)))}
    seen = [part for part in parts if part_pixels.shows(part.alpha)]
    return sorted(seen, key=lambda part: (rank.get(part.name, len(order)), -part.index))


def show(
    photo: photos.PhotoLayer,
    one: Embedded,
    order: Sequence[str],
    several: bool,
    added: list[Gimp.Item],
    only: tuple[str, ...] | None = None,
) -> Gimp.GroupLayer:
    """Put a subject's part group into the image, and remember the subject.

    only: the parts that get layers; None: all that the photo shows. Raises PlugInError where they
    do not fit any more.
    """
    subject, parts = one.subject, _in_order(one.segmented.parts, order)
    photos.check_unmoved(photo, subject)
    parts = [part for part in parts if only is None or part.name in only]
    made = tuple(part.name for part in parts)
    mark = state.GroupMark(subject.photo, subject.bundle, subject.number, made, quad=subject.quad)
    previous = part_layers.find_group(photo.image, subject.number)
    group = part_layers.build(photo, parts, mark, subject.rect, added)
    if previous is not None:
        part_layers.replace(previous, group, [part.name for part in one.segmented.parts])
    part_layers.set_names(group, mark, several=several)
    part_layers.note_drawn(group, parts, subject)
    uncertainty.show(photo, one.segmented.uncertainty, mark, added)
    subjects.keep(photo.image, photo.layer, subject, added)
    return group
