"""Segment Parts: find the subject, embed it, and show its parts as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import layers
import part_layers
import photo as photos
import preview
import state
from gi.repository import Gimp
from session import Session, expect
from views import View

from protocol.messages import Detect, Detected, Segment, Segmented, Subject

Report = dict[str, Any]


def run(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    *,
    bundle: str,
    level: str,
    view: View,
) -> Report:
    """Segment the photo and add its part group, in place of the one that is there."""
    photo = photos.find(image, drawables)
    with Session(view) as session:
        segmented, kept, subjects = embed(session, photo, bundle, level)
    with layers.undo_step(image) as added:
        mark = state.Group(kept.photo, bundle)
        previous = part_layers.find_group(image)
        group = part_layers.build(photo, segmented.parts, mark, kept.rect, added)
        if previous is not None:
            image.remove_layer(previous)
        state.keep(image, state.STATE, kept)
    image.set_selected_layers(group.get_children()[:1])
    return {
        "group": group.get_name(),
        "parts": [part.name for part in segmented.parts],
        "bundle": bundle,
        "photo_layer": photo.layer.get_name(),
        "subjects": subjects,
        **segmented.report,
    }


def embed(
    session: Session, photo: photos.Photo, bundle: str, level: str
) -> tuple[Segmented, state.State, int]:
    """Detect, send and embed the photo's subject.

    Returns the parts, what the image shall remember, and how many subjects were seen.
    """
    subjects = _detect(session, photo, bundle)
    subject = subjects[0]
    pixels = photo.pixels(subject.rect)
    message = Segment(
        bundle=bundle,
        photo=photos.digest(pixels, subject.quad, bundle),
        quad=subject.quad,
        rect=subject.rect,
        pixels=pixels,
        width=photo.width,
        height=photo.height,
        level=level,
    )
    segmented = expect(Segmented, session.request(message, (0.25, 1.0)))
    kept = state.State(
        photo=message.photo,
        layer=photo.layer.get_tattoo(),
        width=photo.width,
        height=photo.height,
        bundle=bundle,
        sha=session.bundle_sha(bundle),
        level=level,
        quad=subject.quad,
        rect=subject.rect,
        w_plus=segmented.w_plus,
        labels=segmented.labels,
        report=segmented.report,
    )
    return segmented, kept, len(subjects)


def _detect(session: Session, photo: photos.Photo, bundle: str) -> list[Subject]:
    small, scale = preview.shrunken(photo.layer)
    message = Detect(
        bundle=bundle,
        preview=small,
        scale=scale,
        width=photo.width,
        height=photo.height,
        selection=photo.selection(),
    )
    return expect(Detected, session.request(message, (0.05, 0.25))).subjects
