"""The editors: one for each bundle and device, loaded when first needed."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from backend.errors import UnknownBundle
from backend.session.devices import choose_device
from backend.session.opener import PhotoOpener
from protocol.facts import ApplyReport, BundleInfo, RepaintReport

if TYPE_CHECKING:  # torch and numpy are imported by the workers, after the sockets are open
    import numpy as np
    from numpy.typing import NDArray

    from backend.editing.borrow import Take
    from backend.editing.expression import SeenFace
    from backend.editing.learn import LearnedEdit, LearningTarget
    from backend.editing.options import Optimisation, ScaledEdit
    from backend.editing.results import EditResult, OpenPhoto, OptimisedCode
    from backend.photos.align import CropFrame
    from backend.photos.composite import ResultLayer
    from backend.photos.detect import Subject
    from backend.photos.label_edit import PaintedLayer
    from backend.photos.parts import PlacedMask
    from protocol.geometry import Rect

_log = logging.getLogger(__name__)


class PhotoEditor(PhotoOpener, Protocol):
    """What the server needs of backend.editing.editor.Editor, which imports torch."""

    def find_subjects(self, image: NDArray[np.uint8], selection: Rect | None) -> list[Subject]: ...

    def recognise(self, pixels: NDArray[np.generic], frame: CropFrame) -> SeenFace: ...

    def uncertainty(self, photo: OpenPhoto) -> PlacedMask: ...

    def repaint(
        self, photo: OpenPhoto, painted: Sequence[PaintedLayer], options: Optimisation
    ) -> EditResult[RepaintReport]: ...

    def repaint_live(
        self, photo: OpenPhoto, painted: Sequence[PaintedLayer], options: Optimisation
    ) -> OptimisedCode: ...

    def borrow(
        self,
        photo: OpenPhoto,
        other: OpenPhoto,
        parts: Sequence[str],
        take: Take,
        options: Optimisation,
    ) -> EditResult[RepaintReport]: ...

    def apply(
        self, photo: OpenPhoto, edits: Sequence[ScaledEdit], refinement: Optimisation
    ) -> EditResult[ApplyReport]: ...

    def learn(
        self,
        target: LearningTarget,
        photos: Sequence[OpenPhoto],
        others: Sequence[OpenPhoto],
        options: Optimisation,
    ) -> LearnedEdit: ...

    def view(self, photo: OpenPhoto) -> Previewer: ...


class Previewer(Protocol):
    """One open photo at the size of a screen: backend.editing.preview.photo.PhotoPreviewer."""

    def render(
        self, stacks: Sequence[Sequence[ScaledEdit]], side: int, *, closer: bool = False
    ) -> Iterator[NDArray[np.uint8]]: ...

    def on_photo(self, stack: Sequence[ScaledEdit]) -> ResultLayer: ...


class Catalogue(Protocol):
    """Which bundles there are, told without loading any; and how to load one."""

    def names(self) -> list[str]: ...

    def ready(self) -> list[str]:
        """Those with which photos can be opened."""

    def describe(self) -> list[BundleInfo]: ...

    def picture(self, name: str) -> bytes | None:
        """What a bundle draws, WebP."""

    def load(self, name: str, device: str) -> PhotoEditor:
        """Raises UnknownBundle, BadBundle or IncompleteBundle."""


class LoadedEditors:
    """Loaded engines by bundle and device. Used by the device worker only, `device` by
    everybody.
    """

    def __init__(self, catalogue: Catalogue, device: str) -> None:
        self._catalogue = catalogue
        self._engines: dict[tuple[str, str], PhotoEditor] = {}
        self.device = device  # "auto" until torch was asked

    def resolve_device(self) -> str:
        """The device to work on; imports torch the first time where it is to be chosen."""
        self.device = choose_device(self.device)
        return self.device

    def get(self, bundle: str, device: str | None = None) -> PhotoEditor:
        key = bundle, device or self.resolve_device()
        if key not in self._engines:
            if bundle not in self._catalogue.names():
                known = ", ".join(self._catalogue.names()) or "none"
                raise UnknownBundle(f"There is no model named '{bundle}'; installed: {known}.")
            _log.info("loading %s on %s", *key)
            self._engines[key] = self._catalogue.load(*key)
            _spare_the_collector()
        return self._engines[key]

    def forget(self) -> None:
        """Load all anew when they are next needed: a thread that hangs may still use them."""
        self._engines.clear()
        gc.unfreeze()

    def drop(self, bundle: str) -> None:
        """A bundle has changed: load it anew when it is next needed."""
        for key in [key for key in self._engines if key[0] == bundle]:
            del self._engines[key]

    def free_device(self) -> None:
        """Give the device's memory back as far as possible, after it ran out."""
        for key in [key for key in self._engines if key[1] != "cpu"]:
            del self._engines[key]
        gc.unfreeze()
        gc.collect()
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()


def _spare_the_collector() -> None:
    """Never look through torch's 300,000 objects again: that takes 0.15 s in which no thread runs,
    and the one that answers pings needs its turn at once.
    """
    gc.collect()
    gc.freeze()
