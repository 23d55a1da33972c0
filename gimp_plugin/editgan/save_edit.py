"""Save as Edit: keep what results have learnt in the edit library."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import photo as photos
import results
import state
import subjects
from errors import PlugInError
from gi.repository import Gimp
from session import Session, expect
from texts import _
from views import View

from protocol.messages import EditRef, Latent, Saved, SaveEdit

Report = dict[str, Any]


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
    kept, edit = find(image, drawables)
    if not name:
        raise PlugInError(_("An edit needs a name: type one."))
    chosen = _chosen(sources(image, kept, edit), images)
    learnt = together(edit, [source.edit for source in chosen])
    if unknown := sorted(set(parts) - set(learnt.parts)):
        raise PlugInError(
            _("This edit has not learnt to change “{part}”: name some of {parts}.").format(
                part=unknown[0], parts=", ".join(learnt.parts)
            )
        )
    learnt = replace(learnt, parts=tuple(parts) or learnt.parts)
    photo = photos.remembered(image, kept)
    with Session(view) as session:
        saved = save(session, photo, kept, learnt, name, description, 1 + len(chosen))
    return {
        "saved_as": saved,
        "parts": list(learnt.parts),
        "bundle": edit.bundle,
        "learnt_from": 1 + len(chosen),
    }


def find(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable]
) -> tuple[state.State, state.EditRecord]:
    """What there is to save. Raises PlugInError if there is nothing."""
    kept = subjects.meant(image, drawables)
    edit = results.newest(image, drawables, kept) if kept else None
    if kept is None or edit is None:
        raise PlugInError(_("There is no repaint to save in this image: run Apply Repaint first."))
    if edit.bundle != kept.bundle:
        raise PlugInError(
            _(
                "This layer was made with the bundle “{its}”, the photo is now segmented with "
                "“{bundle}”: select another result layer."
            ).format(its=edit.bundle, bundle=kept.bundle),
            "wrong_bundle",
        )
    return kept, edit


def sources(image: Gimp.Image, kept: state.State, edit: state.EditRecord) -> list[Source]:
    """Other subjects in open images with a result that changes some of the same parts."""
    found = []
    for other in Gimp.get_images():
        for subject in subjects.readable(other):
            if (other.get_id(), subject.subject) == (image.get_id(), kept.subject):
                continue
            its = results.newest(other, other.get_selected_layers(), subject)
            if its and subject.sha == kept.sha and set(its.parts) & set(edit.parts):
                label = f"{other.get_name()}: {its.name}"
                found.append(Source(f"{other.get_id()}:{subject.subject}", label, its))
    return found


def together(edit: state.EditRecord, others: Sequence[state.EditRecord]) -> state.EditRecord:
    """The mean of the vectors, for the parts of any."""
    parts = tuple(dict.fromkeys(part for one in (edit, *others) for part in one.parts))
    return replace(edit, parts=parts, vector=mean([one.vector for one in (edit, *others)]))


def mean(vectors: Sequence[Latent]) -> Latent:
    values = zip(*(array("f", bytes(vector.data)) for vector in vectors), strict=True)
    data = array("f", (sum(value) / len(vectors) for value in values))
    return replace(vectors[0], data=data.tobytes())


def ref(edit: state.EditRecord) -> EditRef:
    return EditRef(vector=edit.vector, parts=edit.parts)


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
    photo: photos.Photo,
    kept: state.State,
    edit: state.EditRecord,
    name: str,
    description: str,
    learnt_from: int = 1,
) -> str:
    """Returns the name that the library gave it."""

    def message(photo_name: str) -> SaveEdit:
        return SaveEdit(
            photo=photo_name,
            name=name,
            description=description,
            parts=edit.parts,
            vector=edit.vector,
            learnt_from=learnt_from,
        )

    answer, _kept = session.about_photo(photo, kept, message)
    return expect(Saved, answer).name
