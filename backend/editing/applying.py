"""Editing vectors (paper 3.4): applied, refined, looked at."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.editing.descent import OptimisationResult
from backend.editing.engine import Engine, array_of
from backend.editing.inversion import measure
from backend.editing.objective import EditObjective, EditTarget, at_resolution
from backend.editing.optimise import optimise_delta
from backend.editing.options import Optimisation, ScaledEdit
from backend.editing.preview.photo import PhotoPreviewer
from backend.editing.results import EditPreview, EditResult, OpenPhoto, SideEffects
from backend.editing.stacked import asked_by, region_of_edits
from backend.errors import NothingChanged
from backend.models.pictures import to_picture
from protocol.facts import ApplyReport


def apply_edits(
    engine: Engine, photo: OpenPhoto, edits: Sequence[ScaledEdit], refinement: Optimisation
) -> EditResult[ApplyReport]:
    """Apply editing vectors, w+ + sum s_i delta_i, then `refinement.steps` steps of
    self-supervision (paper 3.4), which start there.

    Scales beyond +-MAX_SCALE are clamped and reported. Raises NothingChanged when no edit is
    given, WrongBundle for vectors of another shape, UnknownPart, BadSetting.
    """
    began = time.monotonic()
    if not edits:
        raise NothingChanged("No edit was chosen; choose at least one from the library.")
    w_plus, delta = engine.tensor(photo.w_plus), engine.delta(edits)
    after, labels = engine.segmented(w_plus + delta)
    edited = _all_parts(edits)
    region = _region(engine, photo, edits, labels)
    changed = labels != photo.labels
    steps, ended_early = 0, False
    if refinement.steps:
        target = engine.target(labels, region, changed, np.zeros_like(labels), photo.valid)
        found = _refined(engine, photo, delta, target, refinement.within(0.0, 0.95))
        delta, steps, ended_early = found.best, found.steps, found.ended_early
        after, labels = engine.segmented(w_plus + delta)
    change = asked_by(edits, photo.part_change(labels, engine.roles), photo.labels)
    layer = engine.composite(photo, after, region, change, refinement.progress)
    report = ApplyReport(
        **vars(engine.areas(photo, region, changed)),
        refine=steps,
        ended_early=ended_early,
        scales=tuple(e.applied for e in edits),
        clamped=tuple(e.scale for e in edits if e.scale != e.applied),
        seconds=time.monotonic() - began,
    )
    parts = tuple(part.name for part in engine.bundle.parts if part.name in edited)
    return EditResult(layer, array_of(delta), parts, labels, to_picture(after), report)


def _refined(
    engine: Engine, photo: OpenPhoto, delta: Tensor, target: EditTarget, options: Optimisation
) -> OptimisationResult:
    objective = EditObjective(engine.networks, engine.rebuilt(photo), target, options.weights)
    return optimise_delta(
        engine.networks,
        engine.tensor(photo.w_plus),
        objective,
        steps=options.steps,
        start=delta,
        progress=options.progress,
    )


def view_photo(engine: Engine, photo: OpenPhoto) -> PhotoPreviewer:
    """The photo, ready to be looked at with edits at the size of a screen."""
    w_plus = engine.tensor(photo.w_plus)
    return PhotoPreviewer(engine.preview_networks, engine.bundle, photo, w_plus)


def preview_edits(engine: Engine, photo: OpenPhoto, edits: Sequence[ScaledEdit]) -> EditPreview:
    """w+ + sum s_i delta_i, generated and segmented, without compositing."""
    w_plus = engine.tensor(photo.w_plus)
    before = engine.rebuilt(photo)
    after, labels = engine.segmented(w_plus + engine.delta(edits))
    quality = measure(engine.networks, before, after, torch.ones_like(before[:, :1]))
    return EditPreview(to_picture(after), labels, quality.identity)


def side_effects(engine: Engine, photo: OpenPhoto, edits: Sequence[ScaledEdit]) -> SideEffects:
    """How vectors change what they should leave alone, before compositing."""
    before = engine.rebuilt(photo)
    after, labels = engine.segmented(engine.tensor(photo.w_plus) + engine.delta(edits))
    region = _region(engine, photo, edits, labels)
    outside = at_resolution(torch.from_numpy(~region), before.shape[-1]).to(before)
    found = measure(engine.networks, before.clamp(-1, 1), after, outside)
    return SideEffects(found.identity, found.perceptual)


def _region(
    engine: Engine, photo: OpenPhoto, edits: Sequence[ScaledEdit], labels: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Where edits that lead to `labels` may show, [L, L]."""
    return region_of_edits(edits, photo.labels, labels, partial(engine.region, photo))


def _all_parts(edits: Sequence[ScaledEdit]) -> set[str]:
    """The union of the edits' Q_edit."""
    return {name for edit in edits for name in edit.parts}
