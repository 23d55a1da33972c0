"""Apply Edit: an edit of the library, at a scale, as one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import layers
import photo as photos
import results
import segment
import settings
import state
import subjects
from errors import PlugInError
from gi.repository import Gimp
from session import Session, expect
from texts import _
from views import View

from protocol.messages import Apply, Edited, EditInfo, EditRef, Edits, ListEdits

Report = dict[str, Any]
DEFAULT_BUNDLE = "faces"


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    edit: str,
    scale: float,
    refine: int,
    view: View,
) -> Report:
    """Add one result layer. A photo that was not segmented yet is embedded first."""
    if not edit:
        raise PlugInError(_("No edit was named: choose one from the library."))
    with Session(view) as session:
        photo, kept = _opened(session, image, drawables)
        reference = EditRef(name=edit, scale=scale)
        answer, kept = session.about_photo(
            photo,
            kept,
            lambda name: Apply(photo=name, edits=[reference], refine=refine),
            (0.5, 1.0),
        )
        edited = expect(Edited, answer)
    record = results.record_of("edit", edit, scale, refine, edited, kept.bundle)
    with layers.undo_step(image) as added:
        layer = results.add(photo, f"{edit} {decimal(scale)}", edited, record, kept, added)
    return {
        "layer": layer.get_name(),
        "edit": edit,
        "scale": scale,
        "refine": refine,
        "edited_parts": list(edited.parts),
        **edited.report,
    }


def find(
    image: Gimp.Image, drawables: Sequence[Gimp.Drawable]
) -> tuple[photos.Photo, state.State | None]:
    """The photo, and its state if it was segmented. Raises PlugInError if it cannot be edited."""
    kept = subjects.meant(image, drawables)
    if kept is not None:
        return photos.remembered(image, kept), kept
    return photos.find(image, drawables), None


def list_edits(image: Gimp.Image, view: View) -> tuple[list[EditInfo], str]:
    """The library's edits for this image's bundle, and that bundle's licence."""
    kept = subjects.meant(image, ())
    bundle = kept.bundle if kept else DEFAULT_BUNDLE
    with Session(view) as session:
        edits = expect(Edits, session.request(ListEdits(bundle))).edits
        status = session.background(session.connection.status)
    licences = [str(b.get("license", "")) for b in status.bundles if b.get("name") == bundle]
    if not edits:
        raise PlugInError(
            _("The library has no edits for the bundle “{bundle}”: save one first.").format(
                bundle=bundle
            )
        )
    return edits, "".join(licences[:1])


def decimal(scale: float) -> str:
    """1 -> "1.0", 0.25 -> "0.25"."""
    short = f"{scale:.2f}"
    return short[:-1] if short.endswith("0") else short


def _opened(
    session: Session, image: Gimp.Image, drawables: Sequence[Gimp.Drawable]
) -> tuple[photos.Photo, state.State]:
    """The photo and its state; embeds the photo if the image does not know it yet."""
    photo, kept = find(image, drawables)
    if kept is not None:
        return photo, kept
    level = settings.load().level
    _segmented, kept, _subjects = segment.embed(session, photo, DEFAULT_BUNDLE, level)
    return photo, kept
