"""Apply Repaint: make the picture agree with the painted parts."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from commands import save_edit, stack_result
from image import (
    layers,
    part_layers,
    photos,
    results,
    sending,
    stack_layers,
    stacks,
    state,
    subjects,
)
from link.errors import PlugInError
from link.progress import View
from link.report import Report
from link.session import Session, expect
from link.texts import _
from protocol.facts import as_json
from protocol.messages import Repaint, Repainted

Found = tuple[photos.PhotoLayer, Gimp.GroupLayer, state.SubjectRecord]


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    steps: int,
    name: str,
    save_as: str,
    view: View,
) -> Report:
    """Make what is painted an entry of the subject's stack, and hide the part group, so that the
    result can be seen.

    Of several subjects the one that is meant, if it was painted, else one that was. save_as: also
    keep the learnt vector in the library under this name, unless empty.
    """
    found = find_all(image, drawables)
    with Session(view) as session:
        (photo, group, subject), edited = _first_painted(session, found, steps)
        layer = write(session, (photo, group, subject), drawables, edited, name)
        edit = results.record_of("repaint", name, 1.0, 0, edited, subject.bundle)
        saved = _save(session, photo, subject, edit, save_as) if save_as else None
    return {
        "layer": layer.get_name(),
        "edited_parts": list(edited.parts),
        "saved_as": saved,
        **as_json(edited.report),
    }


def write(
    session: Session,
    found: Found,
    drawables: Sequence[Gimp.Drawable],
    edited: Repainted,
    name: str,
) -> Gimp.Layer:
    """Make a repaint the subject's entry of that kind, in one undo step; its layer."""
    photo, group, subject = found
    in_image = stack_layers.find(photo.image, drawables, subject)
    entry = stacks.painted(name, edited.parts, edited.vector, edited.painted)
    stack = stacks.with_entry(in_image.stack, entry)
    below = stacks.based(in_image.below(photo), stack, subject.quad)
    if stack.counting == (entry,) and not below.results:  # its picture is here already
        ready = stack_result.Ready(below, subject, stack, in_image, edited)
    else:
        ready = stack_result.prepared(session, photo, subject, stack, in_image, (0.9, 1.0))
    with layers.undo_step(photo.image):
        layer = stack_result.write(ready)
        part_layers.note_read(photo, group, subject)
    return layer


def find(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Found:
    """The likeliest of `find_all`."""
    return find_all(image, drawables)[0]


def find_all(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> list[Found]:
    """The photo, the part group and the record of each subject that a repaint may be meant for.

    Those come first on whose layers something was painted since they were last read, and of those
    the subject that is selected. Raises PlugInError if the image has none.
    """
    meant = subjects.meant(image, drawables)
    known = sorted(subjects.all_of(image), key=lambda subject: subject != meant)
    groups = [(part_layers.find_group(image, subject.number), subject) for subject in known]
    found: list[Found] = []
    for group, subject in groups:
        if group is None:
            continue
        try:
            photo, subject = photos.remembered(image, subject)
        except PlugInError:
            if subject == meant:
                raise
        else:
            found.append((photo, group, subject))
    if not found:
        raise PlugInError(
            _("This image has no EditGAN parts: run Filters > EditGAN > Segment Parts first.")
        )
    return sorted(found, key=lambda one: len(found) > 1 and not part_layers.is_painted(*one))


def _first_painted(session: Session, found: Sequence[Found], steps: int) -> tuple[Found, Repainted]:
    """The first subject on whose layers the backend sees a change. Raises PlugInError."""
    nothing: PlugInError | None = None
    for one in found:
        try:
            edited, subject = _ask(session, *one, steps)
        except PlugInError as error:
            if error.code != "nothing_changed":
                raise
            nothing = nothing or error
        else:
            return (*one[:2], subject), edited
    assert nothing is not None
    raise nothing


def _ask(
    session: Session,
    photo: photos.PhotoLayer,
    group: Gimp.GroupLayer,
    subject: state.SubjectRecord,
    steps: int,
) -> tuple[Repainted, state.SubjectRecord]:
    painted, drawn_for = part_layers.read(photo, group, subject), part_layers.drawn_for(group)
    only = part_layers.made_in(group)
    answer, subject = sending.about_photo(
        session,
        photo,
        subject,
        lambda name: Repaint(
            photo=name, layers=painted, steps=steps, only=only, redrawn=name != drawn_for
        ),
    )
    return expect(Repainted, answer), subject


def _save(
    session: Session,
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    edit: state.EditRecord,
    name: str,
) -> str:
    try:
        return save_edit.save(session, photo, subject, [edit], name, "", edit.parts)
    except PlugInError as error:
        raise PlugInError(
            _("The result is in a new layer, but its edit was not saved: {reason}").format(
                reason=error
            ),
            error.code,
        ) from error
