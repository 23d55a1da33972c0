"""Learning an editing vector from several photos: the mean of their deltas transfers better than
one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backend.editing.calibrate import calibrate
from backend.editing.editor import Editor, EditResult, OpenPhoto, ScaledEdit
from backend.editing.objective import Weights
from backend.editing.progress import Heard, Progress, Report, ignore, part_of
from backend.editing.recipes import Recipe, claims_of
from backend.errors import NothingChanged

_LEARNING, _TRYING = 0.8, 0.9  # shares of the progress bar at which they end


@dataclass(frozen=True, eq=False)
class LearntEdit:
    """A vector float32 [n_ws, w_dim], its Q_edit, and how it was learnt.

    low, high: the scales that it is good for. learnt_from: how many photos. agreement: the share of
    the pixels that were to change which did, on the photos it was learnt from. transfer: the same
    for the vector on photos it was not learnt from; None where nothing could be tried.
    """

    vector: NDArray[np.float32]
    parts: tuple[str, ...]
    low: float
    high: float
    learnt_from: int
    agreement: float
    transfer: float | None

    def report(self) -> dict[str, object]:
        return {
            "learnt_from": self.learnt_from,
            "agreement": self.agreement,
            "transfer": self.transfer,
            "range": [self.low, self.high],
        }


class Lesson(Protocol):
    """What is to be learnt."""

    @property
    def title(self) -> str: ...

    def on(self, editor: Editor, photo: OpenPhoto) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        """The wanted labels [L, L] of a photo, and Q_edit; raises NothingChanged."""

    def learn(
        self, editor: Editor, photo: OpenPhoto, steps: int, weights: Weights, report: Report
    ) -> EditResult:
        """The edit of one photo; raises NothingChanged."""


@dataclass(frozen=True)
class FromRecipe:
    """The same change of shape, optimised on every photo."""

    recipe: Recipe

    @property
    def title(self) -> str:
        return self.recipe.title

    def on(self, editor: Editor, photo: OpenPhoto) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        claims = claims_of(self.recipe, photo.labels, editor.bundle)
        return claims.target, claims.parts

    def learn(
        self, editor: Editor, photo: OpenPhoto, steps: int, weights: Weights, report: Report
    ) -> EditResult:
        claims = claims_of(self.recipe, photo.labels, editor.bundle)
        return editor.edit(photo, claims, steps=steps, weights=weights, progress=report)


@dataclass(frozen=True)
class FromEdits:
    """The mean of edits (results of repaints, say), refined on every photo by self-supervision: the
    vector's own predicted parts are the target (paper 3.4)."""

    edits: Sequence[ScaledEdit]
    title: str = "The edit"

    def __post_init__(self) -> None:
        if not self.edits:
            raise NothingChanged("There is no edit to learn from; give at least one.")

    def mean(self) -> list[ScaledEdit]:
        share = 1 / len(self.edits)
        return [ScaledEdit(e.vector, e.parts, e.scale * share) for e in self.edits]

    def on(self, editor: Editor, photo: OpenPhoto) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        mean = self.mean()
        parts = tuple(dict.fromkeys(name for e in mean for name in e.parts))
        wanted = editor.preview(photo, mean).labels
        edited = [editor.bundle.part(name).index for name in parts]
        moved = np.isin(wanted, edited) | np.isin(photo.labels, edited)
        return np.where(moved, wanted, photo.labels), parts

    def learn(
        self, editor: Editor, photo: OpenPhoto, steps: int, weights: Weights, report: Report
    ) -> EditResult:
        return editor.apply(photo, self.mean(), refine=steps, weights=weights, progress=report)


def learn(
    editor: Editor,
    lesson: Lesson,
    photos: Sequence[OpenPhoto],
    others: Sequence[OpenPhoto] = (),
    *,
    steps: int = 100,
    weights: Weights | None = None,
    report: Report = ignore,
) -> LearntEdit:
    """Learn from `photos` and try the vector on `others`; where there are none, try on each photo
    what was learnt from the rest.

    Photos on which nothing is to change are passed over; raises NothingChanged when none is left.
    A report that says "enough" ends it with the photos so far.
    """
    heard, found = Heard(report), list[tuple[OpenPhoto, EditResult]]()
    for i, photo in enumerate(photos):
        inner = part_of(heard, _LEARNING * i / len(photos), _LEARNING * (i + 1) / len(photos))
        try:
            found.append((photo, lesson.learn(editor, photo, steps, weights or Weights(), inner)))
        except NothingChanged:
            continue
        if heard.enough:
            break
    if not found:
        raise NothingChanged(f"'{lesson.title}' changes nothing in any of these photos.")
    vector = np.mean([result.vector for _, result in found], axis=0, dtype=np.float32)
    parts = found[0][1].parts
    heard(Progress(_LEARNING, "Trying it on other photos"))
    agreements = [_agreement(editor, lesson, photo, result.labels) for photo, result in found]
    transfers = [
        _agreement(editor, lesson, photo, editor.preview(photo, [edit]).labels)
        for photo, edit in _trials(vector, parts, found, others)
    ]
    tried_on = list(others) or [photo for photo, _ in found]
    low, high = calibrate(editor, vector, parts, tried_on, part_of(heard, _TRYING, 1.0))
    agreement, transfer = _mean(agreements), _mean(transfers)
    return LearntEdit(vector, parts, low, high, len(found), agreement or 0.0, transfer)


def _trials(
    vector: NDArray[np.float32],
    parts: tuple[str, ...],
    found: Sequence[tuple[OpenPhoto, EditResult]],
    others: Sequence[OpenPhoto],
) -> Iterator[tuple[OpenPhoto, ScaledEdit]]:
    """Photos, each with a vector that was not learnt from it."""
    if others:
        yield from ((photo, ScaledEdit(vector, parts, 1.0)) for photo in others)
    elif len(found) > 1:
        total = vector * len(found)
        for photo, result in found:
            rest = (total - result.vector) / np.float32(len(found) - 1)
            yield photo, ScaledEdit(rest, parts, 1.0)


def _agreement(
    editor: Editor, lesson: Lesson, photo: OpenPhoto, labels: NDArray[np.uint8]
) -> float | None:
    """Share of the pixels that the lesson wants to change which have the wanted label; None if it
    wants none."""
    try:
        wanted, _ = lesson.on(editor, photo)
    except NothingChanged:
        return None
    changed = wanted != photo.labels
    return float((labels == wanted)[changed].mean()) if changed.any() else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
