"""Edit Library: a stack of the library's edits as one layer, with or without its dialog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gi.repository import Gimp

from commands import embedding
from image import layers, part_layers, photos, results, sending, stacks, state, subjects
from image.stacks import Stack
from link import settings
from link.backend_texts import in_users_language
from link.errors import PlugInError
from link.progress import View
from link.report import Report
from link.session import Session, expect
from link.texts import _
from protocol.facts import ApplyReport, as_json
from protocol.geometry import Rect
from protocol.messages import Applied, Apply, EditContent, Edited, GetEdit, Pixels, ResultLayer

DEFAULT_BUNDLE = "faces"


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    edits: Sequence[tuple[str, float | None]],
    refine: int,
    view: View,
) -> Report:
    """Make the subject's stack what `edits` say: names and scales, None being an edit's own.

    A photo that was not segmented yet is embedded first.
    """
    if not edits:
        raise PlugInError(_("No edit was named: choose one from the library."))
    with Session(view) as session:
        photo, subject = opened(session, image, drawables)
        layer, _old = stacks.find(image, drawables, subject)
        entries = tuple(
            stacks.entry_of(content_of(session, subject, name), scale) for name, scale in edits
        )
        stack = Stack(subject.bundle, subject.sha, refine, entries)
        return commit(session, photo, subject, stack, layer)


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
        raise PlugInError(
            _(
                "This photo's edits belong to the model “{bundle}”, which is not installed: "
                "install it again. They stay in the image until then."
            ).format(bundle=subject.bundle),
            "unknown_bundle",
        )
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


def commit(
    session: Session,
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    stack: Stack,
    previous: Gimp.Layer | None,
) -> Report:
    """Write the stack's one layer in place of the previous one; an empty stack removes that.

    The subject's part layers are hidden, so that the result can be seen. One undo step. Raises
    PlugInError if there is nothing to do.
    """
    image, photo = photo.image, results.under(photo, previous)
    if not stack.entries:
        if previous is None:
            raise PlugInError(_("No edit was chosen: add one from the library."))
        with layers.undo_step(image):
            image.remove_layer(previous)
        return {"layer": None, "edits": [], "refine": 0, "edited_parts": []}
    answer, subject = sending.about_photo(
        session,
        photo,
        subject,
        lambda name: Apply(photo=name, edits=stack.refs(), refine=stack.refine),
        (0.5, 1.0),
    )
    edited = expect(Applied, answer)
    layer = write(photo, subject, stack, edited, previous)
    return {
        "layer": layer.get_name(),
        "edits": [{"edit": e.name, "scale": e.scale} for e in stack.entries],
        "refine": stack.refine,
        "edited_parts": list(edited.parts),
        **as_json(edited.report),
    }


def write_stack(
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    stack: Stack,
    edited: Edited | None,
    previous: Gimp.Layer | None,
) -> Gimp.Layer | None:
    """As `write`; an empty stack removes the layer. edited: None where nothing counts: an empty
    layer then remembers the stack.
    """
    if stack.entries:
        return write(photo, subject, stack, edited or _nothing(subject), previous)
    if previous is not None and previous.is_valid():
        with layers.undo_step(photo.image):
            photo.image.remove_layer(previous)
    return None


def _nothing(subject: state.SubjectRecord) -> Edited:
    """The result of edits that are all switched off."""
    vector = replace(subject.w_plus, data=bytes(memoryview(subject.w_plus.data).nbytes))
    layer = ResultLayer(Rect(subject.rect.x, subject.rect.y, 1, 1), Pixels(1, 1, 4, "u8", bytes(4)))
    nothing = ApplyReport(
        area_region=0, area_changed=0, share_of_subject=0.0, refine=0, ended_early=False,
        scales=(), clamped=(), seconds=0.0,
    )  # fmt: skip
    return Applied(subject.photo, layer, vector, (), subject.labels, nothing)


def write(
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    stack: Stack,
    edited: Edited,
    previous: Gimp.Layer | None,
) -> Gimp.Layer:
    """The result layer with its stack; it takes the previous one's place, opacity, mode, mask."""
    image, title = photo.image, stack.title()
    record = results.record_of("stack", title, 1.0, stack.refine, edited, subject.bundle)
    previous = previous if previous and previous.is_valid() else None
    with layers.undo_step(image) as added:
        layer = results.add(photo, title, edited, record, subject, added, previous)
        state.keep(layer, stacks.STACK, stack)
        if previous is not None:
            layer.set_opacity(previous.get_opacity())
            layer.set_mode(previous.get_mode())
            image.reorder_item(layer, previous.get_parent(), layers.position(image, previous))
            image.remove_layer(previous)
            layer.set_name(title)  # the same name was taken until now
        part_layers.hide(image, subject.number)
    image.set_selected_layers([layer])
    return layer
