"""Learning an editing vector from several photos: the mean of their deltas transfers better than
one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backend.editing.applying import apply_edits, preview_edits
from backend.editing.calibrate import calibrate
from backend.editing.engine import Engine
from backend.editing.options import Optimisation, ScaledEdit
from backend.editing.progress import Progress, ProgressMonitor, sub_progress
from backend.editing.recipes import USUAL, Limits, Recipe, label_edit_of
from backend.editing.repainting import optimise_edit
from backend.editing.results import EditResult, OpenPhoto
from backend.errors import NothingChanged
from protocol.facts import ApplyReport, LearnReport, RepaintReport

AnyResult = EditResult[RepaintReport] | EditResult[ApplyReport]

_LEARNING, _TRYING = 0.8, 0.9  # shares of the progress bar at which they end


@dataclass(frozen=True, eq=False)
class LearnedEdit:
    """A vector float32 [n_ws, w_dim], its Q_edit, and how it was learned.

    low, high: the scales that it is good for. learnt_from: how many photos. agreement: the share of
    the pixels that were to change which did, on the photos it was learned from. transfer: the same
    for the vector on photos it was not learned from; None where nothing could be tried.
    """

    vector: NDArray[np.float32]
    parts: tuple[str, ...]
    low: float
    high: float
    learnt_from: int
    agreement: float
    transfer: float | None

    def report(self) -> LearnReport:
        """What people read of it."""
        return LearnReport(self.learnt_from, self.agreement, self.transfer, (self.low, self.high))


class LearningTarget(Protocol):
    """What is to be learned."""

    @property
    def title(self) -> str: ...

    @property
    def limits(self) -> Limits:
        """What the edit may cost at the ends of its range."""

    def wanted(self, engine: Engine, photo: OpenPhoto) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        """The wanted labels [L, L] of a photo, and Q_edit; raises NothingChanged."""

    def edit(self, engine: Engine, photo: OpenPhoto, options: Optimisation) -> AnyResult:
        """The edit of one photo; raises NothingChanged."""


@dataclass(frozen=True)
class RecipeTarget:
    """The same change of shape, optimised on every photo."""

    recipe: Recipe

    @property
    def title(self) -> str:
        return self.recipe.title

    @property
    def limits(self) -> Limits:
        return self.recipe.limits

    def wanted(self, engine: Engine, photo: OpenPhoto) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        label_edit = label_edit_of(self.recipe, photo.labels, engine.bundle)
        return label_edit.target, label_edit.parts

    def edit(self, engine: Engine, photo: OpenPhoto, options: Optimisation) -> AnyResult:
        label_edit = label_edit_of(self.recipe, photo.labels, engine.bundle)
        return optimise_edit(engine, photo, label_edit, options)


@dataclass(frozen=True)
class MeanTarget:
    """The mean of edits (results of repaints, say), refined on every photo by self-supervision: the
    vector's own predicted parts are the target (paper 3.4)."""

    edits: Sequence[ScaledEdit]
    title: str = "The edit"
    limits: Limits = USUAL

    def __post_init__(self) -> None:
        if not self.edits:
            raise NothingChanged("There is no edit to learn from; give at least one.")

    def mean(self) -> list[ScaledEdit]:
        share = 1 / len(self.edits)
        return [ScaledEdit(e.vector, e.parts, e.scale * share) for e in self.edits]

    def wanted(self, engine: Engine, photo: OpenPhoto) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        mean = self.mean()
        parts = tuple(dict.fromkeys(name for e in mean for name in e.parts))
        predicted = preview_edits(engine, photo, mean).labels
        edited = engine.indices(parts)
        moved = np.isin(predicted, edited) | np.isin(photo.labels, edited)
        return np.where(moved, predicted, photo.labels), parts

    def edit(self, engine: Engine, photo: OpenPhoto, options: Optimisation) -> AnyResult:
        return apply_edits(engine, photo, self.mean(), options)


def learn_edit(
    engine: Engine,
    target: LearningTarget,
    photos: Sequence[OpenPhoto],
    others: Sequence[OpenPhoto],
    options: Optimisation,
) -> LearnedEdit:
    """Learn from `photos` and try the vector on `others`; where there are none, try on each photo
    what was learned from the rest.

    Photos on which nothing is to change are passed over; raises NothingChanged when none is left.
    Progress that answers "enough" ends it with the photos so far.
    """
    monitor = ProgressMonitor(options.progress)
    found = _edits_of(engine, target, photos, options, monitor)
    vectors = [result.vector for _, result in found]
    vector = np.asarray(np.mean(vectors, axis=0, dtype=np.float32))
    parts = found[0][1].parts
    monitor(Progress(_LEARNING, "Testing on other photos"))
    agreements = [_agreement(engine, target, photo, result.labels) for photo, result in found]
    transfers = [
        _agreement(engine, target, photo, preview_edits(engine, photo, [edit]).labels)
        for photo, edit in _trials(vector, parts, found, others)
    ]
    tried_on = list(others) or [photo for photo, _ in found]
    calibrating = sub_progress(monitor, _TRYING, 1.0)
    low, high = calibrate(engine, vector, parts, tried_on, calibrating, limits=target.limits)
    agreement, transfer = _mean(agreements), _mean(transfers)
    return LearnedEdit(vector, parts, low, high, len(found), agreement or 0.0, transfer)


def _edits_of(
    engine: Engine,
    target: LearningTarget,
    photos: Sequence[OpenPhoto],
    options: Optimisation,
    monitor: ProgressMonitor,
) -> list[tuple[OpenPhoto, AnyResult]]:
    """The edit of each photo, until "enough"; raises NothingChanged when there is none."""
    found = []
    for i, photo in enumerate(photos):
        share = _LEARNING / len(photos)
        inner = replace(options, progress=sub_progress(monitor, share * i, share * (i + 1)))
        try:
            found.append((photo, target.edit(engine, photo, inner)))
        except NothingChanged:
            continue
        if monitor.enough:
            break
    if not found:
        raise NothingChanged(f"'{target.title}' changes nothing in any of these photos.")
    return found


def _trials(
    vector: NDArray[np.float32],
    parts: tuple[str, ...],
    found: Sequence[tuple[OpenPhoto, AnyResult]],
    others: Sequence[OpenPhoto],
) -> Iterator[tuple[OpenPhoto, ScaledEdit]]:
    """Photos, each with a vector that was not learned from it."""
    if others:
        yield from ((photo, ScaledEdit(vector, parts, 1.0)) for photo in others)
    elif len(found) > 1:
        total = vector * len(found)
        for photo, result in found:
            rest = (total - result.vector) / np.float32(len(found) - 1)
            yield photo, ScaledEdit(rest, parts, 1.0)


def _agreement(
    engine: Engine, target: LearningTarget, photo: OpenPhoto, labels: NDArray[np.uint8]
) -> float | None:
    """Share of the pixels that the target wants to change which have the wanted label; None if it
    wants none."""
    try:
        wanted, _ = target.wanted(engine, photo)
    except NothingChanged:
        return None
    changed = wanted != photo.labels
    return float((labels == wanted)[changed].mean()) if changed.any() else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
