"""A smile scorer that took no part in learning any edit, calibrated on people's ratings."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from backend.errors import BadImage
from backend.evaluation.photo_set import PhotoSet

RATING = "happy"
_HAPPY = 50.0  # of 100: from here on people's mean rating counts as a smile
_FEWEST = 20  # rated photos, below which nothing can be calibrated


class SmileObserver(Protocol):
    """A network that sees smiles and took no part in training."""

    name: str
    smile_name: str  # what its number is

    def smile(self, crop: NDArray[np.uint8]) -> float:
        """How much an aligned crop, uint8 [S, S, 3], smiles, 0..1; NaN where no face is seen."""


@dataclass(frozen=True, eq=False)
class Ratings:
    """People's mean ratings, 0..100, of photos by name; `held` were kept out of all training."""

    values: Mapping[str, float]
    fit: tuple[str, ...]
    held: tuple[str, ...]

    def smiling(self, names: Sequence[str]) -> NDArray[np.bool_]:
        return np.array([self.values[name] > _HAPPY for name in names])

    def of(self, names: Sequence[str]) -> NDArray[np.float64]:
        return np.array([self.values[name] for name in names])


@dataclass(frozen=True)
class Calibration:
    """How well the scorer tells smiles, on photos that it was not fitted on.

    accuracy: share of photos on the side of 50 that people put them; majority: what always giving
    the more frequent answer would score; correlation: of the probability with the mean rating.
    """

    scorer: str
    fitted_on: int
    tried_on: int
    accuracy: float
    majority: float
    correlation: float


def read_ratings(path: Path, photo_set: PhotoSet, held_out: Sequence[str] | None) -> Ratings:
    """Ratings from a CSV with the columns `stimulus` (a file name without suffix) and `happy`.

    The photos are those of the album's folder that holds most of the stimuli; raises BadImage when
    the file has no such columns, or hardly any photos are found.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rated = {r["stimulus"]: float(r[RATING]) for r in csv.DictReader(file)}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadImage(
            f"{path} is not a table of ratings with the columns stimulus and {RATING} ({error})."
        ) from error
    folders: dict[str, dict[str, float]] = {}
    for name in sorted(photo_set.paths):
        folder, file_name = name.split("/")
        if (stem := Path(file_name).stem) in rated:
            folders.setdefault(folder, {})[name] = rated[stem]
    values = max(folders.values(), key=len, default={})
    usable = photo_set.with_subject(photo_set.shuffled(values))
    apart = set(usable[::5] if held_out is None else held_out)
    fit, held = (tuple(n for n in usable if (n in apart) == kept) for kept in (False, True))
    if min(len(fit), len(held)) < _FEWEST:
        raise BadImage(f"Of the photos rated in {path} only {len(usable)} were found; add them.")
    return Ratings(values, fit, held)


class SmileScorer:
    """The probability that people call a face happy, from what an observer sees."""

    def __init__(
        self, observer: SmileObserver, smiles: NDArray[np.float64], happy: NDArray[np.bool_]
    ) -> None:
        """smiles: what the observer saw [N], happy: what people said [N]."""
        self.observer = observer
        self._model = LogisticRegression().fit(smiles[:, None], happy)

    def probability(self, smiles: NDArray[np.float64]) -> NDArray[np.float64]:
        """[N] smiles -> [N] probabilities; a face that was not seen (NaN) does not smile."""
        found = np.isfinite(smiles)
        known = self._model.predict_proba(np.where(found, smiles, 0.0)[:, None])[:, 1]
        return np.where(found, known, 0.0)

    def photos(self, photo_set: PhotoSet, names: Sequence[str]) -> NDArray[np.float64]:
        """The same for photos of an album; what was seen of each is kept."""
        return self.probability(_smiles(self.observer, photo_set, names))

    def score(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Crops, uint8 [S, S, 3] each -> probabilities of a smile [N]."""
        return self.probability(np.array([self.observer.smile(crop) for crop in crops]))


def calibrate(
    observer: SmileObserver, photo_set: PhotoSet, ratings: Ratings
) -> tuple[SmileScorer, Calibration]:
    """Fit a scorer on the rated photos at the generator's resolution; try it on the held-out."""
    smiles = np.nan_to_num(_smiles(observer, photo_set, ratings.fit))
    scorer = SmileScorer(observer, smiles, ratings.smiling(ratings.fit))
    found, happy = scorer.photos(photo_set, ratings.held), ratings.smiling(ratings.held)
    return scorer, Calibration(
        scorer=observer.smile_name,
        fitted_on=len(ratings.fit),
        tried_on=len(ratings.held),
        accuracy=float(np.mean((found > 0.5) == happy)),
        majority=float(max(happy.mean(), 1 - happy.mean())),
        correlation=float(np.corrcoef(found, ratings.of(ratings.held))[0, 1]),
    )


def _smiles(
    observer: SmileObserver, photo_set: PhotoSet, names: Sequence[str]
) -> NDArray[np.float64]:
    """What an observer sees of photos at the generator's resolution: [N], NaN without a face."""

    def one(name: str) -> float:
        key = ("smile", observer.name, photo_set.key(name), photo_set.size)
        seen = photo_set.store.array(lambda: np.array(observer.smile(photo_set.crop(name))), *key)
        return float(seen)

    return np.array([one(name) for name in photo_set.each(names, "looking for smiles")])
