"""The same edits on the same person in all open images."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from commands import apply, series, stack_result
from commands.series import FaceInImage
from image import photos, stack_layers, stacks, state
from image.stacks import Stack
from link.errors import PlugInError
from link.report import Report
from link.session import Session
from link.texts import _


def find(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable]
) -> tuple[state.SubjectRecord, Stack]:
    """The person that is meant, and the edits on them. Raises PlugInError if there are none."""
    _photo, subject = apply.find(image, drawables)
    stack = stack_layers.find(image, drawables, subject).stack if subject is not None else None
    if subject is None or stack is None or not stacks.for_others(stack):
        raise PlugInError(
            _("There are no edits on this face yet: choose some, keep them, and try again.")
        )
    if not series.others(image):
        raise PlugInError(_("There is no other open image: open the other photos first."))
    return subject, stack


def look(session: Session, image: Gimp.Image, subject: state.SubjectRecord) -> list[FaceInImage]:
    """The same person in each of the other open images. Raises PlugInError if they are in none."""
    photo, _kept = photos.remembered(image, subject)
    mine = series.faces(session, photo, subject.bundle, (0.0, 0.1))
    place = next(
        (n for n, one in enumerate(mine) if one.subject and one.subject.number == subject.number),
        None,
    )
    found = []
    for everybody in series.in_images(session, series.others(image), subject.bundle, (0.1, 0.4)):
        if place is not None and (face := series.matched(mine, everybody).get(place)):
            found.append(face)
    if not found:
        raise PlugInError(
            _("This person was not found in the other open images: open photos of them.")
        )
    return found


def put(session: Session, stack: Stack, wanted: Sequence[FaceInImage]) -> Report:
    """Lay the edits of a stack on each face, one undo step in each image.

    What an image cannot take is left as it is and told: `failed`. After a cancel the images that
    are done stay done.
    """
    done, failed = [], {}
    step = 1.0 / max(len(wanted), 1)
    for place, face in enumerate(wanted):
        session.about = _("Image {number} of {count}: ").format(number=place + 1, count=len(wanted))
        try:
            done.append(_put(session, stack, face, (place * step, (place + 1) * step)))
        except PlugInError as error:
            failed[face.image_name] = str(error)
    session.about = ""
    if failed and not done:
        raise PlugInError(next(iter(failed.values())))
    return {"images": done, "failed": failed}


def _put(
    session: Session, stack: Stack, face: FaceInImage, span: tuple[float, float]
) -> dict[str, str]:
    ((_face, subject),) = series.embedded(session, [face], span)
    found = stack_layers.find(face.image, [], subject)
    its = found.stack
    for entry in stacks.for_others(stack):
        its = stacks.with_entry(its, entry)
    report = stack_result.commit(session, face.photo, subject, its, found)
    return {"image": face.image_name, "layer": report["layer"]}
