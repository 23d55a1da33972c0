"""Requests about a photo that was segmented: it is sent again where the backend has lost it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from image import photos, state
from link.errors import PlugInError
from link.session import WHOLE, Session, expect
from link.texts import _
from protocol.messages import HasPhoto, JobRequest, Message, PhotoKnown, Segment, Segmented

NO_MODEL = "unknown_bundle"  # code of an error


def no_model(bundle: str) -> PlugInError:
    """A photo, or its edits, belong to a model that is not there."""
    return PlugInError(
        _(
            "The model “{bundle}” is no longer installed: install it again; parts and edits "
            "stay in the image until then."
        ).format(bundle=bundle),
        NO_MODEL,
    )


def about_photo(
    session: Session,
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    make: Callable[[str], JobRequest],
    span: tuple[float, float] = WHOLE,
) -> tuple[Message, state.SubjectRecord]:
    """A request about a photo that was segmented before; `make` gets the photo's id.

    Sends the photo again, with its embedding from the image, if the backend has lost it or if its
    pixels have changed. Returns the answer and the record with the photo's present id.
    """
    low, high = span
    middle = low + 0.2 * (high - low)
    name = photos.digest(
        photo, subject.rect, subject.quad, subject.bundle, subject.level, subject.corrected
    )
    subject = state.renamed(subject, name)
    try:
        return session.request(make(name), (low, high)), subject
    except PlugInError as error:
        if error.code != "unknown_photo":
            raise
    _send_again(session, photo, subject, (low, middle))
    return session.request(make(name), (middle, high)), subject


def ensure_photo(
    session: Session,
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    span: tuple[float, float] = WHOLE,
) -> state.SubjectRecord:
    """Send the photo, with its remembered embedding, unless the backend has it as it is now.

    Returns the state with its present id.
    """
    answer, subject = about_photo(session, photo, subject, lambda name: HasPhoto(name), span)
    expect(PhotoKnown, answer)
    return subject


def _send_again(
    session: Session,
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    span: tuple[float, float],
) -> Segmented:
    present = session.bundle_sha(subject.bundle)
    if not present:
        raise no_model(subject.bundle)
    if subject.sha != present:
        raise PlugInError(
            _(
                "This photo was segmented with a different version of the model “{bundle}”: run "
                "Segment Parts again."
            ).format(bundle=subject.bundle),
            "wrong_bundle",
        )
    session.view.say(_("Opening the photo again"), span[0])
    message = Segment(
        bundle=subject.bundle,
        photo=subject.photo,
        quad=subject.quad,
        rect=subject.rect,
        pixels=photo.pixels(subject.rect),
        width=subject.width,
        height=subject.height,
    )
    return expect(Segmented, session.request(as_remembered(message, subject), span))


def as_remembered(message: Segment, subject: state.SubjectRecord) -> Segment:
    """A request that opens a subject, with all that the image remembers: nothing is optimised."""
    corrected = list(subject.corrected) or None
    return replace(message, level=subject.level, w_plus=subject.w_plus, corrected=corrected)


def named(photo: photos.PhotoLayer, message: Segment) -> Segment:
    """The request, which opens a subject of that photo, with the id of what it opens."""
    corrected = message.corrected or ()
    name = photos.digest(
        photo, message.rect, message.quad, message.bundle, message.level, corrected
    )
    return replace(message, photo=name)
