"""What a request asks for, as the editor takes it."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from backend.editing.options import Optimisation, ScaledEdit
from backend.photos.label_edit import PaintedLayer, settled
from backend.server import wire
from backend.server.jobs import Job
from backend.server.sessions import PhotoSession
from protocol import messages as m


def painted_layers(request: m.Repaint | m.LiveRepaint, session: PhotoSession) -> list[PaintedLayer]:
    """The request's part layers as the engine takes them."""
    layers = wire.painted_layers(request, session)
    if not request.redrawn:
        return layers
    opened = session.opened
    return settled(opened.parts, layers, opened.frame, len(opened.labels))


def options_of(
    job: Job, session: PhotoSession, steps: int, start: NDArray[np.float32] | None = None
) -> Optimisation:
    """How a job's edit is optimised; its client hears of every step."""
    progress = wire.reporter(job, session.opened.frame, session.rect)
    return Optimisation(steps, start=start, progress=progress)


def thumbnail_key(edit: ScaledEdit, side: int) -> str:
    """The same for the same look: vector, Q_edit, scale and size of the picture."""
    digest = hashlib.sha256(np.ascontiguousarray(edit.vector).tobytes())
    digest.update(repr((edit.parts, edit.scale, side)).encode())
    return digest.hexdigest()
