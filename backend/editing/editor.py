"""Everything a photographer can do with one bundle, under one name: a facade of the functions
over its engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.bundle import Bundle
from backend.bundles.networks import Networks
from backend.editing.applying import apply_edits, preview_edits, side_effects, view_photo
from backend.editing.borrow import Take, borrow_parts
from backend.editing.engine import Engine
from backend.editing.expression import SeenFace
from backend.editing.learn import LearnedEdit, LearningTarget, learn_edit
from backend.editing.opening import (
    TRUNCATION,
    AlignedSubject,
    align_subject,
    find_subjects,
    map_uncertainty,
    open_photo,
    open_sample,
    open_together,
    recognise,
    sample,
)
from backend.editing.options import Optimisation, ScaledEdit, Weights
from backend.editing.preview.photo import PhotoPreviewer
from backend.editing.progress import ProgressCallback, no_progress
from backend.editing.repainting import optimise_edit, repaint, repaint_live
from backend.editing.results import EditPreview, EditResult, OpenPhoto, OptimisedCode, SideEffects
from backend.photos.align import CropFrame
from backend.photos.corrections import Corrections
from backend.photos.detect import Subject
from backend.photos.label_edit import LabelEdit, PaintedLayer
from backend.photos.parts import PlacedMask
from protocol.facts import ApplyReport, RepaintReport
from protocol.geometry import Rect

__all__ = [
    "TRUNCATION",
    "EditPreview",
    "EditResult",
    "Editor",
    "OpenPhoto",
    "Optimisation",
    "ScaledEdit",
    "SideEffects",
    "Weights",
]

_USUAL = Optimisation()
_UNREFINED = Optimisation(steps=0)


class Editor:
    """One bundle on one device, with all that can be done with it. Not thread-safe: one worker
    owns it. What each method does and raises, the function of that name says."""

    def __init__(self, bundle: Bundle, device: str | torch.device = "cpu") -> None:
        self.engine = Engine(bundle, device)

    @property
    def bundle(self) -> Bundle:
        return self.engine.bundle

    @property
    def networks(self) -> Networks:
        return self.engine.networks

    @property
    def device(self) -> torch.device:
        return self.engine.device

    def find_subjects(
        self, image: NDArray[np.uint8], selection: Rect | None = None
    ) -> list[Subject]:
        return find_subjects(self.engine, image, selection)

    def open(
        self,
        pixels: NDArray[np.generic],
        frame: CropFrame,
        *,
        level: str = "fast",
        w_plus: NDArray[np.float32] | None = None,
        start: NDArray[np.float32] | None = None,
        corrected: Corrections | None = None,
        progress: ProgressCallback = no_progress,
    ) -> OpenPhoto:
        return open_photo(
            self.engine, pixels, frame, level=level, w_plus=w_plus, start=start,
            corrected=corrected, progress=progress,
        )  # fmt: skip

    def align(self, pixels: NDArray[np.generic], frame: CropFrame) -> AlignedSubject:
        return align_subject(self.engine, pixels, frame)

    def open_together(
        self, subjects: Sequence[AlignedSubject], *, level: str = "fast"
    ) -> list[OpenPhoto]:
        return open_together(self.engine, subjects, level=level)

    def recognise(self, pixels: NDArray[np.generic], frame: CropFrame) -> SeenFace:
        return recognise(self.engine, pixels, frame)

    def open_sample(self, seed: int) -> OpenPhoto:
        return open_sample(self.engine, seed)

    def sample(self, z: Tensor, *, truncation: float = TRUNCATION) -> tuple[Tensor, Tensor]:
        return sample(self.engine, z, truncation=truncation)

    def uncertainty(self, photo: OpenPhoto) -> PlacedMask:
        return map_uncertainty(self.engine, photo)

    def repaint(
        self, photo: OpenPhoto, painted: Sequence[PaintedLayer], options: Optimisation = _USUAL
    ) -> EditResult[RepaintReport]:
        return repaint(self.engine, photo, painted, options)

    def repaint_live(
        self, photo: OpenPhoto, painted: Sequence[PaintedLayer], options: Optimisation = _USUAL
    ) -> OptimisedCode:
        return repaint_live(self.engine, photo, painted, options)

    def optimise(
        self, photo: OpenPhoto, label_edit: LabelEdit, options: Optimisation = _USUAL
    ) -> EditResult[RepaintReport]:
        return optimise_edit(self.engine, photo, label_edit, options)

    def borrow(
        self,
        photo: OpenPhoto,
        other: OpenPhoto,
        parts: Sequence[str],
        take: Take = "look",
        options: Optimisation = _USUAL,
    ) -> EditResult[RepaintReport]:
        return borrow_parts(self.engine, photo, other, parts, take, options)

    def apply(
        self, photo: OpenPhoto, edits: Sequence[ScaledEdit], refinement: Optimisation = _UNREFINED
    ) -> EditResult[ApplyReport]:
        return apply_edits(self.engine, photo, edits, refinement)

    def learn(
        self,
        target: LearningTarget,
        photos: Sequence[OpenPhoto],
        others: Sequence[OpenPhoto] = (),
        options: Optimisation = _USUAL,
    ) -> LearnedEdit:
        return learn_edit(self.engine, target, photos, others, options)

    def view(self, photo: OpenPhoto) -> PhotoPreviewer:
        return view_photo(self.engine, photo)

    def preview(self, photo: OpenPhoto, edits: Sequence[ScaledEdit]) -> EditPreview:
        return preview_edits(self.engine, photo, edits)

    def side_effects(self, photo: OpenPhoto, edits: Sequence[ScaledEdit]) -> SideEffects:
        return side_effects(self.engine, photo, edits)
