"""Correct Parts: what is painted on the part layers is what the photo shows, not an edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gi.repository import Gimp

from commands import repaint, segment
from commands.embedding import Embedded, Wish, numbered, opening, state_after
from image import frames, layers, part_layers, sending, subjects
from link.progress import View
from link.session import Session, expect
from link.texts import _
from protocol.facts import as_json
from protocol.messages import Segmented

Report = dict[str, Any]


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    view: View,
    number: int | None = None,
) -> Report:
    """Embed the subject anew with its layers as truth, and draw them anew.

    Results of before stay; the subject keeps its number and its edits, and what was put right
    before on parts that have no layers now. number: of the subject; None: the likeliest.
    """
    found = repaint.find_all(image, drawables)
    photo, group, subject = next((f for f in found if f[2].number == number), found[0])
    made = part_layers.made_in(group)
    with Session(view) as session:
        painted = part_layers.read(photo, group, subject)
        said = {part.part for part in painted}
        painted += [part for part in subject.corrected if part.part not in said]
        message = opening(photo, subject.quad, subject.rect, Wish(subject.bundle, subject.level))
        message = sending.named(photo, replace(message, corrected=painted))
        look = frames.look(photo.layer, message.quad)
        segmented = expect(Segmented, session.request(message, (0.05, 0.95)))
        order = segment.part_order(session, subject.bundle)
        sha = session.bundle_sha(subject.bundle)
        after = state_after(photo, message, segmented, sha, look)
    view.say(_("Adding the part layers"), 0.95)
    one = numbered(Embedded(segmented, after), subject, subject.number)
    several = len(subjects.all_of(image)) > 1
    with layers.undo_step(image) as added:
        drawn = segment.show(photo, one, order, several, added, made)
    image.set_selected_layers(drawn.get_children()[:1])
    return {
        "groups": [drawn.get_name()],
        "subject": subject.number,
        **as_json(segmented.report),
    }
