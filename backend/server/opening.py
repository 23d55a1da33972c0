"""Opening the photo of a Segment request, or finding it open; looking at a face without."""

from __future__ import annotations

import dataclasses

from backend.photos.corrections import corrections_of
from backend.server import wire
from backend.server.editors import PhotoEditor
from backend.server.jobs import Job
from backend.server.sessions import PhotoSession, PhotoStore
from backend.server.wire import to_array, to_code, to_pixels
from backend.session.embedding import embedding_key, open_or_reuse
from backend.session.embedding_cache import EmbeddingCache
from protocol import messages as m


def opened(
    request: m.Segment, engine: PhotoEditor, photos: PhotoStore, cache: EmbeddingCache, job: Job
) -> PhotoSession:
    """The photo, embedded and segmented.

    One that is open already stays: the same pixels have the same parts then, to the last bit, and
    nothing is computed anew. Raises BadImage, UnknownPart.
    """
    frame, pixels = wire.frame_of(request), to_array(request.pixels)
    level, progress = request.level, wire.reporter(job, frame, request.rect)
    known = to_code(request.w_plus) if request.w_plus else None
    said = None
    if request.corrected is not None:
        layers = wire.painted(request.corrected, request.rect)
        said = corrections_of(layers, engine.bundle.parts, pixels.shape[:2])
    key = embedding_key(engine.bundle, pixels, frame, level, said)
    if session := photos.same(request.photo, key, None if request.improve else known):
        report = dataclasses.replace(session.opened.report, from_cache=True)
        session.opened = session.opened.with_report(report)
        return session
    if known is not None and not request.improve:
        photo = engine.open(
            pixels, frame, level=level, w_plus=known, start=None, corrected=said, progress=progress
        )
    else:
        photo = open_or_reuse(
            engine, cache, pixels, frame, level, progress, start=known, corrected=said
        )
    session = PhotoSession(request.photo, request.bundle, request.rect, photo, key)
    photos.put(session)
    return session


def recognised(request: m.Recognise, engine: PhotoEditor) -> m.Recognised:
    """Who the face is, and how it looks just now. Raises BadImage."""
    seen = engine.recognise(to_array(request.pixels), wire.frame_of(request))
    identity = None if seen.identity is None else to_pixels(seen.identity[None])
    return m.Recognised(identity, seen.eyes, seen.smile)
