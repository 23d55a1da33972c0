"""Requests about a photo that was segmented: it is sent again where the backend has lost it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from image import photos, state
from link.errors import PlugInError
from link.session import WHOLE, Session, expect
from link.texts import _
from protocol.messages import HasPhoto, JobRequest, Message, PhotoKnown, Pixels, Segment, Segmented


def about_photo(
    session: Session,
    photo: photos.Photo,
    kept: state.State,
    make: Callable[[str], JobRequest],
    span: tuple[float, float] = WHOLE,
) -> tuple[Message, state.State]:
    """A request about a photo that was segmented before; `make` gets the photo's id.

    Sends the photo again, with its kept embedding, if the backend has lost it or if its pixels
    have changed. Returns the answer and the state with the photo's present id.
    """
    low, high = span
    middle = low + 0.2 * (high - low)
    pixels = photo.pixels(kept.rect)
    name = photos.digest(pixels, kept.quad, kept.bundle)
    kept = state.renamed(kept, name)
    try:
        return session.request(make(name), (low, high)), kept
    except PlugInError as error:
        if error.code != "unknown_photo":
            raise
    _send_again(session, kept, pixels, (low, middle))
    return session.request(make(name), (middle, high)), kept


def ensure_photo(
    session: Session, photo: photos.Photo, kept: state.State, span: tuple[float, float] = WHOLE
) -> state.State:
    """Send the photo, with its kept embedding, unless the backend has it as it is now.

    Returns the state with its present id.
    """
    answer, kept = about_photo(session, photo, kept, lambda name: HasPhoto(name), span)
    expect(PhotoKnown, answer)
    return kept


def _send_again(
    session: Session, kept: state.State, pixels: Pixels, span: tuple[float, float]
) -> Segmented:
    present = session.bundle_sha(kept.bundle)
    if not present:
        raise PlugInError(
            _(
                "The model “{bundle}” is no longer installed: install it again; parts and edits "
                "stay in the image until then."
            ).format(bundle=kept.bundle),
            "unknown_bundle",
        )
    if kept.sha != present:
        raise PlugInError(
            _(
                "This photo was segmented with a different version of the model “{bundle}”: run "
                "Segment Parts again."
            ).format(bundle=kept.bundle),
            "wrong_bundle",
        )
    session.view.say(_("Opening the photo again"), span[0])
    message = Segment(
        bundle=kept.bundle,
        photo=kept.photo,
        quad=kept.quad,
        rect=kept.rect,
        pixels=pixels,
        width=kept.width,
        height=kept.height,
    )
    return expect(Segmented, session.request(as_remembered(message, kept), span))


def as_remembered(message: Segment, kept: state.State) -> Segment:
    """A request that opens a subject, with all that the image remembers: nothing is optimised."""
    corrected = list(kept.corrected) or None
    return replace(message, level=kept.level, w_plus=kept.w_plus, corrected=corrected)
