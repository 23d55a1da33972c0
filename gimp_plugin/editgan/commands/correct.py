"""Correct Parts: what is painted on the part layers is what the photo shows, not an edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gi.repository import Gimp

from commands import borrow, repaint, segment
from commands.embedding import Embedded, Wish, opening, state_after
from image import layers, part_layers, state, subjects
from link.progress import View
from link.session import Session, expect
from link.texts import _
from protocol.facts import as_json
from protocol.messages import Segmented

Report = dict[str, Any]


def run(image: Gimp.Image, drawables: Sequence[Gimp.Drawable], *, view: View) -> Report:
    """Embed the subject anew with its layers as truth, and draw them anew.

    Results of before stay; the subject keeps its number and its edits.
    """
    photo, group, kept = repaint.find(image, drawables)
    with Session(view) as session:
        painted = tuple(part_layers.read(photo, group, kept))
        message = opening(photo, kept.quad, kept.rect, Wish(kept.bundle, kept.level))
        message = replace(message, corrected=list(painted))
        segmented = expect(Segmented, session.request(message, (0.05, 0.95)))
        groups = borrow.groups_of(session, kept.bundle)
        after = state_after(photo, message, segmented, session.bundle_sha(kept.bundle))
    view.say(_("Adding the part layers"), 0.95)
    one = Embedded(segmented, _the_same(kept, after))
    order = [part for members in groups.values() for part in members]
    several = len(subjects.all_of(image)) > 1
    with layers.undo_step(image) as added:
        made = segment.show(photo, one, order, several, added)
    image.set_selected_layers(made.get_children()[:1])
    return {
        "groups": [made.get_name()],
        "subject": kept.subject,
        **as_json(segmented.report),
    }


def _the_same(kept: state.State, after: state.State) -> state.State:
    """The subject as it is now, with its number, and its edits where the generator is the same."""
    stack = kept.stack if kept.sha == after.sha else ()
    return replace(after, subject=kept.subject, stack=stack)
