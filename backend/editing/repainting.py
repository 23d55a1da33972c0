"""Optimisation-based editing (paper 3.3): the code follows painted parts."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from backend.editing.agreement import agreement, at_grid, finished_parts
from backend.editing.model import Model, array_of, picture_of
from backend.editing.objective import EditObjective, Weights
from backend.editing.optimise import optimise
from backend.editing.preview import PhotoPreview
from backend.editing.progress import Report, ignore, part_of
from backend.editing.region import shown_region
from backend.editing.results import EditResult, OpenPhoto, Outcome
from backend.errors import NothingChanged
from backend.photos.painted import Claims, PaintedLayer, read_painted


class Repainting(Model):
    """From painted parts to a delta of w+."""

    def repaint(
        self,
        photo: OpenPhoto,
        painted: Sequence[PaintedLayer],
        *,
        steps: int = 100,
        weights: Weights | None = None,
        start: NDArray[np.float32] | None = None,
        progress: Report = ignore,
    ) -> EditResult:
        """Optimise the code until the picture agrees with the repainted layers (top first).

        start: the delta w+ to go on from. Raises NothingChanged, UnknownPart.
        """
        claims = self._claims(photo, painted)
        return self.edit(
            photo, claims, steps=steps, weights=weights, start=start, progress=progress
        )

    def follow(
        self,
        photo: OpenPhoto,
        painted: Sequence[PaintedLayer],
        *,
        steps: int,
        start: NDArray[np.float32] | None = None,
        progress: Report = ignore,
    ) -> Outcome:
        """Like `repaint`, for a painting that goes on changing: only previews, no result layer."""
        claims = self._claims(photo, painted)
        return self.learn(photo, claims, steps=steps, start=start, progress=progress)

    def edit(
        self,
        photo: OpenPhoto,
        claims: Claims,
        *,
        steps: int = 100,
        weights: Weights | None = None,
        start: NDArray[np.float32] | None = None,
        progress: Report = ignore,
    ) -> EditResult:
        """Optimisation-based editing (paper 3.4) towards claims at label resolution.

        Raises NothingChanged for claims of nothing, UnknownPart.
        """
        began = time.monotonic()
        learnt = self.learn(
            photo,
            claims,
            steps=steps,
            weights=weights,
            start=start,
            progress=part_of(progress, 0.0, 0.95),
        )
        layer = self.composite(photo, learnt.after, learnt.region, learnt.labels, claims)
        report: dict[str, object] = {}
        if self.networks.parser:
            finished = finished_parts(self.networks.parser, photo, layer, self.bundle.parts)
            reached = agreement(claims, at_grid(finished, len(learnt.labels)))
            report |= {"agreement": reached, "agreement_read_in": "photo"}
        return learnt.result(layer, **report, seconds=time.monotonic() - began)

    def learn(
        self,
        photo: OpenPhoto,
        claims: Claims,
        *,
        steps: int,
        weights: Weights | None = None,
        start: NDArray[np.float32] | None = None,
        inside: Tensor | None = None,
        progress: Report = ignore,
    ) -> Outcome:
        """The optimisation of `edit`, without its layer.

        start: the delta w+ to go on from; inside: what the region shall look like, (1, 3, R, R).
        """
        if not claims.changed.any():
            raise NothingChanged("The parts are as they were; repaint some of them first.")
        region = self.region(photo, claims.target, claims.parts, claims.changed)
        before = self.rebuilt(photo)
        target = self.target(claims.target, region, claims.changed, claims.lost, photo.valid)
        objective = EditObjective(self.networks, before, target, weights or Weights(), inside)
        shown = shown_region(region, photo.valid)
        parts = self.part_change(photo, claims.target, claims)
        preview = PhotoPreview(photo.pixels, photo.frame, picture_of(before), shown, parts)
        w_plus = self.tensor(photo.w_plus)
        first = None if start is None else self.tensor(start)
        heard = preview.through(progress)
        found = optimise(self.networks, w_plus, objective, steps=steps, start=first, report=heard)
        after, labels = self.segmented(w_plus + found.best)
        reached = agreement(claims, labels)
        report: dict[str, object] = {
            "steps": found.steps,
            "ended_early": found.enough,
            "loss": [found.losses[0], min(found.losses)],
            "terms": found.terms,
            **self.areas(photo, region, claims.changed),
            "agreement": reached,
            "agreement_model": reached,
            "agreement_read_in": "model",
        }
        return Outcome(array_of(found.best), claims.parts, region, after, labels, report)

    def _claims(self, photo: OpenPhoto, painted: Sequence[PaintedLayer]) -> Claims:
        return read_painted(photo.parts, painted, photo.frame, photo.labels, self.bundle.parts)
