"""What a session needs of an editor. Imports neither numpy nor torch, as the server starts so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from backend.bundles.bundle import Bundle
    from backend.editing.progress import ProgressCallback
    from backend.editing.results import OpenPhoto
    from backend.photos.align import CropFrame
    from backend.photos.corrections import Corrections


class PhotoOpener(Protocol):
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
        start: NDArray[np.float32] | None,
        corrected: Corrections | None,
        progress: ProgressCallback,
    ) -> OpenPhoto: ...
