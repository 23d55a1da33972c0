"""Opening a photo in the engine, with its embedding of an earlier time where one was kept."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backend.photos.align import CropFrame
from backend.session.embedding_cache import EmbeddingCache

if TYPE_CHECKING:
    from backend.bundles.bundle import Bundle
    from backend.editing.progress import Report
    from backend.editing.results import OpenPhoto


class Opener(Protocol):
    """The part of the engine that opens photos."""

    @property
    def bundle(self) -> Bundle: ...

    def open(
        self,
        pixels: NDArray[np.generic],
        frame: CropFrame,
        *,
        level: str,
        w_plus: NDArray[np.float32] | None,
        progress: Report,
    ) -> OpenPhoto: ...


def open_or_reuse(
    engine: Opener,
    cache: EmbeddingCache,
    pixels: NDArray[Any],
    frame: CropFrame,
    level: str,
    progress: Report,
) -> OpenPhoto:
    """Open with the embedding kept from an earlier time, else embed and keep the result.

    An embedding that the user ended early is not kept. The report of a reused one says
    `from_cache`.
    """
    key = EmbeddingCache.key(pixels, frame, engine.bundle.sha, level)
    kept = cache.get(key)
    w_plus = kept[0] if kept else None
    opened = engine.open(pixels, frame, level=level, w_plus=w_plus, progress=progress)
    if kept:
        return dataclasses.replace(opened, report={**kept[1], "from_cache": True})
    if not opened.report.get("ended_early"):
        cache.put(key, opened.w_plus, opened.report)
    return opened
