"""Opening a photo in the engine, with its embedding of an earlier time where one was kept."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.photos.align import CropFrame
from backend.session.embedding_cache import EmbeddingCache
from backend.session.opener import PhotoOpener

if TYPE_CHECKING:
    from backend.bundles.bundle import Bundle
    from backend.editing.progress import ProgressCallback
    from backend.editing.results import OpenPhoto
    from backend.photos.corrections import Corrections


def embedding_key(
    bundle: Bundle,
    pixels: NDArray[Any],
    frame: CropFrame,
    level: str,
    corrected: Corrections | None = None,
) -> str:
    """The key of a photo's embedding in the cache."""
    said = "" if corrected is None else corrected.digest
    return EmbeddingCache.key(pixels, frame, f"{bundle.embedding_sha}{said}", level)


def open_or_reuse(
    engine: PhotoOpener,
    cache: EmbeddingCache,
    pixels: NDArray[Any],
    frame: CropFrame,
    level: str,
    progress: ProgressCallback,
    *,
    start: NDArray[np.float32] | None = None,
    corrected: Corrections | None = None,
) -> OpenPhoto:
    """Open with the embedding kept from an earlier time, else embed and keep the result.

    start: the embedding to continue from; corrected: the parts of `pixels` as the user has put them
    right. An embedding that the user ended early is not kept. The report of a reused one says
    `from_cache`.
    """
    kept = reuse(engine, cache, pixels, frame, level, progress, corrected=corrected)
    if kept:
        return kept
    opened = engine.open(
        pixels, frame, level=level, w_plus=None, start=start, corrected=corrected,
        progress=progress,
    )  # fmt: skip
    if not opened.report.ended_early:
        keep(engine, cache, opened, corrected)
    return opened


def reuse(
    engine: PhotoOpener,
    cache: EmbeddingCache,
    pixels: NDArray[Any],
    frame: CropFrame,
    level: str,
    progress: ProgressCallback,
    *,
    corrected: Corrections | None = None,
) -> OpenPhoto | None:
    """Open with the embedding kept from an earlier time; None: none was."""
    kept = cache.get(embedding_key(engine.bundle, pixels, frame, level, corrected))
    if kept is None:
        return None
    w_plus, report = kept
    opened = engine.open(
        pixels, frame, level=level, w_plus=w_plus, start=None, corrected=corrected,
        progress=progress,
    )  # fmt: skip
    return opened.with_report(dataclasses.replace(report, from_cache=True))


def keep(
    engine: PhotoOpener,
    cache: EmbeddingCache,
    opened: OpenPhoto,
    corrected: Corrections | None = None,
) -> None:
    """Keep the embedding of a photo for later."""
    about = engine.bundle, opened.pixels, opened.frame, opened.report.level, corrected
    cache.put(embedding_key(*about), opened.w_plus, opened.report)
