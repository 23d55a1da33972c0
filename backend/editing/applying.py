"""Editing vectors (paper 3.4): applied, refined, looked at."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from backend.editing.descent import Descended
from backend.editing.glance import Glance, Look
from backend.editing.inversion import measure
from backend.editing.light import PhotoView
from backend.editing.model import Model, array_of
from backend.editing.objective import EditObjective, EditTarget, Weights, at_resolution
from backend.editing.optimise import optimise
from backend.editing.progress import Report, ignore, part_of
from backend.editing.results import EditPreview, EditResult, OpenPhoto, ScaledEdit, SideEffects
from backend.errors import NothingChanged
from backend.models.pictures import to_picture
from backend.models.runtime.replay import Recorded


class Applying(Model):
    """From vectors and their scales to an edited photo."""

    @cached_property
    def _glance(self) -> Look:
        """What all views look through."""
        return Recorded(Glance(self.networks))

    def apply(
        self,
        photo: OpenPhoto,
        edits: Sequence[ScaledEdit],
        *,
        refine: int = 0,
        weights: Weights | None = None,
        progress: Report = ignore,
    ) -> EditResult:
        """Apply editing vectors, w+ + sum s_i delta_i, then `refine` steps of self-supervision
        (paper 3.4).

        Scales beyond +-MAX_SCALE are clamped and reported. Raises NothingChanged when no edit is
        given, WrongBundle for vectors of another shape, UnknownPart, BadSetting.
        """
        began = time.monotonic()
        if not edits:
            raise NothingChanged("No edit was chosen; choose at least one from the library.")
        w_plus, delta = self.tensor(photo.w_plus), self.delta(edits)
        after, labels = self.segmented(w_plus + delta)
        edited = _all_parts(edits)
        region, changed = self.region(photo, labels, edited), labels != photo.labels
        report: dict[str, object] = {
            "refine": 0,
            "ended_early": False,
            "scales": [e.applied for e in edits],
            "clamped": [e.scale for e in edits if e.scale != e.applied],
            **self.areas(photo, region, changed),
        }
        if refine:
            target = self.target(labels, region, changed, np.zeros_like(labels), photo.valid)
            heard = part_of(progress, 0.0, 0.95)
            found = self._refined(photo, delta, target, refine, weights or Weights(), heard)
            delta = found.best
            report |= {"refine": found.steps, "ended_early": found.enough}
            after, labels = self.segmented(w_plus + delta)
        layer = self.composite(photo, after, region, labels)
        report["seconds"] = time.monotonic() - began
        parts = tuple(part.name for part in self.bundle.parts if part.name in edited)
        return EditResult(layer, array_of(delta), parts, labels, to_picture(after), report)

    def _refined(
        self,
        photo: OpenPhoto,
        start: Tensor,
        target: EditTarget,
        steps: int,
        weights: Weights,
        report: Report,
    ) -> Descended:
        objective = EditObjective(self.networks, self.rebuilt(photo), target, weights)
        w_plus = self.tensor(photo.w_plus)
        return optimise(self.networks, w_plus, objective, steps=steps, start=start, report=report)

    def view(self, photo: OpenPhoto) -> PhotoView:
        """The photo, ready to be looked at with edits at the size of a screen."""
        return PhotoView(self._glance, self.bundle, photo, self.tensor(photo.w_plus))

    def preview(self, photo: OpenPhoto, edits: Sequence[ScaledEdit]) -> EditPreview:
        """w+ + sum s_i delta_i, generated and segmented, without compositing."""
        w_plus = self.tensor(photo.w_plus)
        before = self.rebuilt(photo)
        after, labels = self.segmented(w_plus + self.delta(edits))
        quality = measure(self.networks, before, after, torch.ones_like(before[:, :1]))
        return EditPreview(to_picture(after), labels, quality.identity)

    def side_effects(self, photo: OpenPhoto, edits: Sequence[ScaledEdit]) -> SideEffects:
        """How vectors change what they should leave alone, before compositing."""
        before = self.rebuilt(photo)
        after, labels = self.segmented(self.tensor(photo.w_plus) + self.delta(edits))
        region = self.region(photo, labels, _all_parts(edits))
        outside = at_resolution(torch.from_numpy(~region), before.shape[-1]).to(before)
        found = measure(self.networks, before.clamp(-1, 1), after, outside)
        return SideEffects(found.identity, found.perceptual)


def _all_parts(edits: Sequence[ScaledEdit]) -> set[str]:
    """The union of the edits' Q_edit."""
    return {name for edit in edits for name in edit.parts}
