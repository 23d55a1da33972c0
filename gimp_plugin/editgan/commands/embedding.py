"""Finding a photo's subjects and embedding them; the image is not changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from image import frames, photos, sending, state, subjects, thumbnail
from image.glance import Glance
from image.layers import check_open
from link.errors import PlugInError
from link.session import Session, expect
from link.texts import _
from protocol.messages import (
    Detect,
    Detected,
    Level,
    Pixels,
    Quad,
    Rect,
    Segment,
    Segmented,
    Subject,
)

Span = tuple[float, float]


@dataclass(frozen=True)
class Wish:
    """uncertainty: add a layer that shows where the model is unsure of the parts."""

    bundle: str
    level: Level
    uncertainty: bool = False


@dataclass(frozen=True)
class Embedded:
    """A subject that the backend knows now: its parts, and what the image shall remember."""

    segmented: Segmented
    subject: state.SubjectRecord


def embed(
    session: Session, photo: photos.PhotoLayer, bundle: str, level: Level
) -> state.SubjectRecord:
    """Detect the photo's best subject, or the one in the selection; embed it unless it is known."""
    best = detect(session, photo, bundle, (0.05, 0.25))[0]
    known = [subjects.placed(photo.image, one) for one in subjects.readable(photo.image)]
    before = subjects.same(known, photo.layer, best.quad)
    if before is not None and before.bundle == bundle:
        return before
    (done,) = embed_each(session, photo, [best], Wish(bundle, level), (0.25, 1.0))
    return done.subject


def detect(
    session: Session, photo: photos.PhotoLayer, bundle: str, span: Span, *, all_of_it: bool = False
) -> list[Subject]:
    """The subjects in the photo, or those that the selection meets; best first, never empty.

    all_of_it: whatever is selected. A photo that is turned meanwhile is looked at again.
    """
    glance = Glance.at(photo.layer)
    message = detection(photo, bundle, all_of_it=all_of_it)
    found = expect(Detected, session.request(message, span)).subjects
    check_open(photo.image)
    if glance.layer.is_valid() and not glance.holds():
        return detect(session, photo, bundle, (span[1], span[1]), all_of_it=all_of_it)
    return found


def detection(photo: photos.PhotoLayer, bundle: str, *, all_of_it: bool = False) -> Detect:
    """The request for `detect`."""
    small, scale = thumbnail.shrunken(photo.layer)
    return Detect(
        bundle=bundle,
        preview=small,
        scale=scale,
        width=photo.width,
        height=photo.height,
        selection=None if all_of_it else photo.selection(),
    )


def meant(found: Sequence[Subject]) -> list[Subject]:
    """Without those who are small and blurred in the background; never empty."""
    return [one for one in found if one.prominent] or list(found[:1])


def embed_each(
    session: Session, photo: photos.PhotoLayer, wanted: Sequence[Subject], wish: Wish, span: Span
) -> list[Embedded]:
    """Embed each; those too small for the model are left out, unless all are."""
    known = [subjects.placed(photo.image, one) for one in subjects.readable(photo.image)]
    done: list[Embedded] = []
    problem: PlugInError | None = None
    glance = Glance.at(photo.layer)
    step = (span[1] - span[0]) / len(wanted)
    for place, detected in enumerate(wanted):
        begin = span[0] + place * step
        if len(wanted) > 1:
            session.about = _("Face {number} of {count}: ").format(
                number=place + 1, count=len(wanted)
            )
        glance.check(photo.image)
        try:
            one = _embed(session, photo, detected, wish, (begin, begin + step))
        except PlugInError as error:
            if error.code != "bad_image":
                raise
            problem = error
            continue
        before = subjects.same(known, photo.layer, detected.quad)
        numbers = [subject.number for subject in (*known, *(other.subject for other in done))]
        done.append(numbered(one, before, max(numbers, default=0) + 1))
    session.about = ""
    if problem is not None and not done:
        raise problem
    return done


def numbered(one: Embedded, before: state.SubjectRecord | None, new: int) -> Embedded:
    """A subject found again keeps its number, and its edits as long as the generator is the same.

    before: what the image remembers of it.
    """
    if before is None:
        return replace(one, subject=replace(one.subject, subject=new))
    stack = before.stack if before.sha == one.subject.sha else ()
    return replace(one, subject=replace(one.subject, subject=before.subject, stack=stack))


def _embed(
    session: Session, photo: photos.PhotoLayer, detected: Subject, wish: Wish, span: Span
) -> Embedded:
    message = sending.named(photo, opening(photo, detected.quad, detected.rect, wish))
    look = frames.look(photo.layer, message.quad)
    segmented = expect(Segmented, session.request(message, span))
    sha = session.bundle_sha(wish.bundle)
    return Embedded(segmented, state_after(photo, message, segmented, sha, look))


def opening(
    photo: photos.PhotoLayer,
    quad: Quad,
    rect: Rect,
    wish: Wish,
    subject: state.SubjectRecord | None = None,
) -> Segment:
    """The request that opens a subject, without the id that `sending.named` gives it from all its
    pixels. subject: what the image remembers, so that nothing needs to be optimised.
    """
    message = Segment(
        bundle=subject.bundle if subject else wish.bundle,
        photo="",
        quad=quad,
        rect=rect,
        pixels=photo.pixels(rect),
        width=photo.width,
        height=photo.height,
        level=wish.level,
        uncertainty=wish.uncertainty,
    )
    return sending.as_remembered(message, subject) if subject else message


def state_after(
    photo: photos.PhotoLayer, message: Segment, segmented: Segmented, sha: str, look: Pixels | None
) -> state.SubjectRecord:
    """What the image should remember of a subject that was opened. sha: of the generator; look: as
    it was sent (frames.look), for by now the image may have been turned.
    """
    return state.SubjectRecord(
        photo=message.photo,
        layer=photo.number,
        width=message.width,
        height=message.height,
        bundle=message.bundle,
        sha=sha,
        level=message.level,
        quad=message.quad,
        rect=message.rect,
        w_plus=segmented.w_plus,
        labels=segmented.labels,
        report=segmented.report,
        look=look,
        corrected=tuple(message.corrected or ()),
    )
