"""Save as Edit: keep what a repaint has learnt in the edit library."""

from __future__ import annotations

from collections.abc import Sequence
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

from protocol.messages import Saved, SaveEdit

Report = dict[str, Any]


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    name: str,
    description: str,
    view: View,
) -> Report:
    """Save the selected result layer's edit, else the last repaint's; the image stays as it is."""
    kept, edit = find(image, drawables)
    if not name:
        raise PlugInError(_("An edit needs a name: type one."))
    photo = photos.remembered(image, kept)
    with Session(view) as session:
        saved = save(session, photo, kept, edit, name, description)
    return {"saved_as": saved, "parts": list(edit.parts), "bundle": edit.bundle}


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


def save(
    session: Session,
    photo: photos.Photo,
    kept: state.State,
    edit: state.EditRecord,
    name: str,
    description: str,
) -> str:
    """Returns the name that the library gave it."""

    def message(photo_name: str) -> SaveEdit:
        return SaveEdit(
            photo=photo_name,
            name=name,
            description=description,
            parts=edit.parts,
            vector=edit.vector,
        )

    answer, _kept = session.about_photo(photo, kept, message)
    return expect(Saved, answer).name
