"""Edit Library: a stack of the library's edits as one layer, with or without its dialog."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from commands import embedding, stack_result
from image import photos, sending, stack_layers, stacks, state, subjects
from image.stacks import Stack
from link import settings
from link.backend_texts import in_users_language
from link.errors import PlugInError
from link.progress import View
from link.report import Report
from link.session import Session, expect
from link.texts import _
from protocol.messages import EditContent, GetEdit

DEFAULT_BUNDLE = "faces"


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    edits: Sequence[tuple[str, float | None]],
    refine: int,
    view: View,
) -> Report:
    """Make the library's edits on the subject's stack what `edits` say: names and scales, None
    being an edit's own. What was painted and borrowed stays.

    A photo that was not segmented yet is embedded first.
    """
    if not edits:
        raise PlugInError(_("No edit was named: choose one from the library."))
    with Session(view) as session:
        photo, subject = opened(session, image, drawables)
        found = stack_layers.find(image, drawables, subject)
        own = tuple(entry for entry in found.stack.entries if entry.kind != "edit")
        entries = tuple(
            stacks.entry_of(content_of(session, subject, name), scale) for name, scale in edits
        )
        stack = Stack(subject.bundle, subject.sha, refine, own + entries)
        return stack_result.commit(session, photo, subject, stack, found)


def find(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable]
) -> tuple[photos.PhotoLayer, state.SubjectRecord | None]:
    """The photo, and its subject if it was segmented. Raises PlugInError if it cannot be edited."""
    subject = subjects.meant(image, drawables)
    if subject is not None:
        return photos.remembered(image, subject)
    return photos.find(image, drawables), None


def opened(
    session: Session, image: Gimp.Image, drawables: Sequence[Gimp.Drawable]
) -> tuple[photos.PhotoLayer, state.SubjectRecord]:
    """The photo and its subject, embedded now if the image does not know it yet."""
    photo, subject = find(image, drawables)
    if subject is None:
        subject = embedding.embed(session, photo, DEFAULT_BUNDLE, settings.load().level)
    elif subjects.owner(image, drawables) is None and not subjects.is_selected(image):
        photo, subject = _in_selection(session, photo, subject)
    if subject.bundle not in session.connection.welcome.bundles:
        raise sending.no_model(subject.bundle)
    return photo, subject


def _in_selection(
    session: Session, photo: photos.PhotoLayer, subject: state.SubjectRecord
) -> tuple[photos.PhotoLayer, state.SubjectRecord]:
    """The subject in a selection that lies beside those that are known; these, if there is none."""
    try:
        return photo, embedding.embed(session, photo, subject.bundle, settings.load().level)
    except PlugInError as error:
        if error.code not in ("no_subject", photos.NOT_SELECTED):
            raise
        return photo, subject


def content_of(session: Session, subject: state.SubjectRecord, name: str) -> EditContent:
    """An edit of the library. Raises PlugInError if this photo's model cannot use it."""
    content = expect(EditContent, session.request(GetEdit(subject.bundle, name), (0.5, 0.5)))
    check_model(content, subject)
    return content


def check_model(content: EditContent, subject: state.SubjectRecord) -> None:
    shape = (content.vector.width, content.vector.height)
    if content.sha != subject.sha or shape != (subject.w_plus.width, subject.w_plus.height):
        raise PlugInError(
            _(
                "The edit “{title}” was learned with a different version of the model “{bundle}”:"
                " learn it again, or use that version."
            ).format(title=in_users_language(content.info).title, bundle=subject.bundle),
            "wrong_bundle",
        )
