"""Save as Edit: keep what results have learnt in the edit library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gi.repository import Gimp

from image import layer_numbers, photos, sending, stack_layers, stacks, state, subjects
from link.errors import PlugInError
from link.progress import View
from link.report import Report
from link.session import Session, expect
from link.texts import _
from protocol.messages import EditRef, Learn, Learned, Saved, SaveEdit


@dataclass(frozen=True)
class Source:
    """A result in an open image whose vector can be learnt from too.

    key: "image:subject", what the argument `images` lists.
    """

    key: str
    label: str
    edit: state.EditRecord


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    name: str,
    description: str,
    parts: Sequence[str],
    images: Sequence[str],
    view: View,
) -> Report:
    """Save the selected result layer's edit, else the last repaint's; the image stays as it is.

    parts: those that it shall change, all that were learnt where none is named. images: the keys
    of other results to learn from: the mean of vectors transfers better than one.
    """
    subject, edit = find(image, drawables)
    if not name:
        raise PlugInError(_("An edit needs a name: type one."))
    chosen = _chosen(sources(image, subject, edit), images)
    edits = [edit, *(source.edit for source in chosen)]
    known = all_parts(edits)
    if unknown := sorted(set(parts) - set(known)):
        raise PlugInError(
            _("This edit has not learned to change “{part}”: name some of {parts}.").format(
                part=unknown[0], parts=", ".join(known)
            )
        )
    photo, subject = photos.remembered(image, subject)
    with Session(view) as session:
        saved = save(session, photo, subject, edits, name, description, tuple(parts) or known)
    return {
        "saved_as": saved,
        "parts": list(parts) or list(known),
        "bundle": edit.bundle,
        "learnt_from": len(edits),
    }


def find(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable]
) -> tuple[state.SubjectRecord, state.EditRecord]:
    """What there is to save. Raises PlugInError if there is nothing."""
    subject = subjects.meant(image, drawables)
    edit = newest(image, drawables, subject) if subject else None
    if subject is None or edit is None:
        raise PlugInError(_("There is no repaint to save in this image: run Apply Repaint first."))
    if edit.bundle != subject.bundle:
        raise PlugInError(
            _(
                "This layer was made with the model “{its}”, but the photo is now segmented with "
                "“{bundle}”: select another result layer."
            ).format(its=edit.bundle, bundle=subject.bundle),
            "wrong_bundle",
        )
    return subject, edit


def newest(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable], subject: state.SubjectRecord
) -> state.EditRecord | None:
    """What there is to learn from a subject: the edit of the selected result, else of its stack.

    Of a stack that is what was painted or borrowed; without that, where it is selected, all of it.
    """
    for drawable in drawables:
        edit = state.recall(drawable, state.RESULT, state.EditRecord)
        if edit is not None and edit.subject == subject.number:
            stack = state.recall(drawable, stacks.STACK, stacks.Stack)
            return (_taught(stack, edit.subject) if stack else None) or edit
    found = stack_layers.find(image, drawables, subject)
    if edit := _taught(found.stack, subject.number):
        return edit
    hidden = (e for e in reversed(subject.stack) if e.kind in ("repaint", "borrow"))
    return next((e for e in hidden if layer_numbers.find(image, e.layer) is not None), None)


def _taught(stack: stacks.Stack, subject: int) -> state.EditRecord | None:
    """What was painted on a stack's subject, else what was borrowed last."""
    for kind in ("repaint", "borrow"):
        for entry in stack.counting:
            if entry.kind == kind:
                return state.EditRecord(
                    kind=kind, name=entry.title, scale=1.0, refine=0, parts=entry.parts,
                    vector=entry.vector, bundle=stack.bundle, layer=0, subject=subject,
                )  # fmt: skip
    return None


def sources(
    image: Gimp.Image, subject: state.SubjectRecord, edit: state.EditRecord
) -> list[Source]:
    """Other subjects in open images with a result that changes some of the same parts."""
    found = []
    for other in Gimp.get_images():
        for theirs in subjects.readable(other):
            if (other.get_id(), theirs.number) == (image.get_id(), subject.number):
                continue
            its = newest(other, other.get_selected_layers(), theirs)
            if its and theirs.sha == subject.sha and set(its.parts) & set(edit.parts):
                label = f"{other.get_name()}: {its.name}"
                found.append(Source(f"{other.get_id()}:{theirs.number}", label, its))
    return found


def all_parts(edits: Sequence[state.EditRecord]) -> tuple[str, ...]:
    """Those that any of the edits may change."""
    return tuple(dict.fromkeys(part for edit in edits for part in edit.parts))


def refs(edits: Sequence[state.EditRecord], parts: tuple[str, ...]) -> list[EditRef]:
    """A stack that looks like the mean of the edits, changing these parts only."""
    share = 1 / len(edits)
    return [EditRef(vector=edit.vector, parts=parts, scale=share) for edit in edits]


def _chosen(found: Sequence[Source], keys: Sequence[str]) -> list[Source]:
    known = {source.key: source for source in found}
    missing = [key for key in keys if key not in known]
    if missing:
        raise PlugInError(
            _(
                "The image {key} has no result for the same parts and model: choose among those "
                "that have."
            ).format(key=missing[0])
        )
    return [known[key] for key in dict.fromkeys(keys)]


def save(
    session: Session,
    photo: photos.PhotoLayer,
    subject: state.SubjectRecord,
    edits: Sequence[state.EditRecord],
    name: str,
    description: str,
    parts: tuple[str, ...],
) -> str:
    """Save the mean of edits with the range in which it looks natural; the library's name for it.

    The backend does the sum and finds the range, as it does for `editgan learn`.
    """
    lesson = [EditRef(vector=edit.vector, parts=parts) for edit in edits]
    answer, subject = sending.about_photo(
        session,
        photo,
        subject,
        lambda photo_name: Learn([photo_name], edits=lesson, steps=0),
        (0.0, 0.7),
    )
    learnt = expect(Learned, answer)
    message = SaveEdit(
        photo=subject.photo,
        name=name,
        description=description,
        parts=parts,
        vector=learnt.vector,
        low=learnt.low,
        high=learnt.high,
        learnt_from=len(edits),
    )
    return expect(Saved, session.request(message, (0.7, 1.0))).name
