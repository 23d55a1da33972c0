"""Save Parts as a Label: the part layers of a photo, put right, teach its model."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from commands import repaint
from image import part_layers, sending
from link.progress import View
from link.report import Report
from link.session import Session, expect
from protocol.messages import LabelPhoto, ModelLabels


def run(image: Gimp.Image, drawables: Sequence[Gimp.Drawable], *, view: View) -> Report:
    """Add the subject that is meant to the label set of its model; the image is not changed."""
    photo, group, kept = repaint.find(image, drawables)
    painted = part_layers.read(photo, group, kept)
    with Session(view) as session:
        answer, _kept = sending.about_photo(
            session, photo, kept, lambda name: LabelPhoto(name, painted)
        )
    model = expect(ModelLabels, answer).model
    return {"bundle": model.bundle, "labelled": len(model.labelled), "subject": kept.subject}
