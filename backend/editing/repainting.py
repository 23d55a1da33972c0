"""Optimisation-based editing (paper 3.3): the code follows painted parts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from backend.editing.agreement import agreement, at_grid, finished_parts
from backend.editing.engine import Engine, array_of, picture_of
from backend.editing.objective import EditObjective
from backend.editing.optimise import optimise_delta
from backend.editing.options import Optimisation
from backend.editing.preview.optimisation import OptimisationPreview
from backend.editing.progress import Progress
from backend.editing.region import shown_region
from backend.editing.results import EditResult, OpenPhoto, OptimisedCode
from backend.errors import NothingChanged
from backend.photos.label_edit import LabelEdit, PaintedLayer, read_label_edit
from protocol.facts import RepaintReport

_BEGUN = Progress(0.0, "Starting")  # before the first step, for those who cancel at once


def repaint(
    engine: Engine, photo: OpenPhoto, painted: Sequence[PaintedLayer], options: Optimisation
) -> EditResult[RepaintReport]:
    """Optimise the code until the picture agrees with the repainted layers (top first).

    Raises NothingChanged, UnknownPart.
    """
    return optimise_edit(engine, photo, painted_label_edit(engine, photo, painted), options)


def repaint_live(
    engine: Engine, photo: OpenPhoto, painted: Sequence[PaintedLayer], options: Optimisation
) -> OptimisedCode:
    """Like `repaint`, for a painting that is still changing: only previews, no result layer."""
    return optimise_code(engine, photo, painted_label_edit(engine, photo, painted), options)


def painted_label_edit(
    engine: Engine, photo: OpenPhoto, painted: Sequence[PaintedLayer]
) -> LabelEdit:
    """What painted layers ask of a photo's label map."""
    return read_label_edit(photo.parts, painted, photo.frame, photo.labels, engine.bundle.parts)


def optimise_edit(
    engine: Engine, photo: OpenPhoto, label_edit: LabelEdit, options: Optimisation
) -> EditResult[RepaintReport]:
    """Optimise the code towards claims at label resolution, and composite the result.

    Raises NothingChanged for claims of nothing, UnknownPart.
    """
    began = time.monotonic()
    found = optimise_code(engine, photo, label_edit, options.within(0.0, 0.95))
    change = photo.part_change(found.labels, engine.roles).asking(label_edit, alone=True)
    layer = engine.composite(photo, found.after, found.region, change, options.progress)
    report = replace(found.report, seconds=time.monotonic() - began)
    if engine.networks.parser:
        finished = finished_parts(engine.networks.parser, photo, layer, engine.bundle.parts)
        reached = agreement(label_edit, at_grid(finished, len(found.labels)))
        seconds = time.monotonic() - began
        report = replace(report, agreement=reached, agreement_read_in="photo", seconds=seconds)
    return found.result(layer, report)


def optimise_code(
    engine: Engine,
    photo: OpenPhoto,
    label_edit: LabelEdit,
    options: Optimisation,
    *,
    inside: Tensor | None = None,
) -> OptimisedCode:
    """The optimisation of `optimise_edit`, without its layer.

    inside: what the region should look like, (1, 3, R, R).
    """
    if not label_edit.changed.any():
        raise NothingChanged("The parts are as they were; repaint some of them first.")
    options.progress(_BEGUN)
    region = engine.region(photo, label_edit.target, label_edit.parts, label_edit.changed)
    before = engine.rebuilt(photo)
    options.progress(_BEGUN)
    claims = label_edit.target, region, label_edit.changed, label_edit.removed
    target = engine.target(*claims, photo.valid)
    objective = EditObjective(engine.networks, before, target, options.weights, inside)
    shown = shown_region(region, photo.valid)
    parts = photo.part_change(label_edit.target, engine.roles).asking(label_edit, alone=True)
    preview = OptimisationPreview(photo.pixels, photo.frame, picture_of(before), shown, parts)
    w_plus = engine.tensor(photo.w_plus)
    options.progress(_BEGUN)
    found = optimise_delta(
        engine.networks,
        w_plus,
        objective,
        steps=options.steps,
        start=None if options.start is None else engine.tensor(options.start),
        progress=preview.through(options.progress),
    )
    after, labels = engine.segmented(w_plus + found.best)
    reached = agreement(label_edit, labels)
    report = RepaintReport(
        **vars(engine.areas(photo, region, label_edit.changed)),
        steps=found.steps,
        ended_early=found.ended_early,
        loss=(found.losses[0], min(found.losses)),
        terms=dict(found.terms),
        agreement=reached,
        agreement_model=reached,
        agreement_read_in="model",
    )
    delta = array_of(found.best)
    return OptimisedCode(delta, label_edit.parts, region, after, labels, report, label_edit)
