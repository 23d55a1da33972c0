"""Apply Repaint: make the picture agree with the painted parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gi.repository import Gimp

from commands import save_edit
from image import layers, part_layers, photos, results, sending, state, subjects
from link.errors import PlugInError
from link.progress import View
from link.session import Session, expect
from link.texts import _
from protocol.messages import Edited, Repaint

Report = dict[str, Any]


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    steps: int,
    name: str,
    save_as: str,
    view: View,
) -> Report:
    """Add one result layer above the photo and hide the part group, so that it can be seen.

    save_as: also keep the learnt vector in the library under this name, unless empty.
    """
    photo, group, kept = find(image, drawables)
    painted, only = part_layers.read(photo, group, kept), part_layers.made_in(group)
    with Session(view) as session:
        answer, kept = sending.about_photo(
            session,
            photo,
            kept,
            lambda name: Repaint(photo=name, layers=painted, steps=steps, only=only),
        )
        edited = expect(Edited, answer)
        edit = results.record_of("repaint", name, 1.0, 0, edited, kept.bundle)
        with layers.undo_step(image) as added:
            layer = results.add(photo, name, edited, edit, kept, added)
            hide_parts(image, kept)
        saved = _save(session, photo, kept, edit, save_as) if save_as else None
    return {
        "layer": layer.get_name(),
        "edited_parts": list(edited.parts),
        "saved_as": saved,
        **edited.report,
    }


def find(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable]
) -> tuple[photos.Photo, Gimp.GroupLayer, state.State]:
    """The photo, the part group that is meant and its subject's state.

    Raises PlugInError if the image has none.
    """
    kept = subjects.meant(image, drawables)
    group = part_layers.find_group(image, kept.subject) if kept else None
    if kept is None or group is None:
        raise PlugInError(
            _("This image has no EditGAN parts: run Filters > EditGAN > Segment Parts first.")
        )
    return photos.remembered(image, kept), group, kept


def hide_parts(image: Gimp.Image, kept: state.State) -> None:
    """So that the result can be seen."""
    if group := part_layers.find_group(image, kept.subject):
        group.set_visible(False)


def _save(
    session: Session, photo: photos.Photo, kept: state.State, edit: state.EditRecord, name: str
) -> str:
    try:
        return save_edit.save(session, photo, kept, [edit], name, "", edit.parts)
    except PlugInError as error:
        raise PlugInError(
            _("The result is in a new layer, but its edit was not saved: {reason}").format(
                reason=error
            ),
            error.code,
        ) from error
