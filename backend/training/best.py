"""The best networks of a run, kept beside its last ones: adversarial training can get worse."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from backend.evaluation.distances import PerceptualSpace
from backend.evaluation.generator_quality import reconstruction_distance
from backend.training.state import BEST, save_state
from backend.training.trainer import GeneratorTrainer

_NEEDED = ("config", "seen", "codes", "averages")  # of a run's state, to use its networks


class BestKept:
    """The averaged networks whose reconstructions lie nearest to photos that the run never sees.

    Nearest as sets, by the Fréchet distance on the perceptual network's deepest features: it counts
    blur and faults alike, where a mean distance of pairs prefers blur.
    """

    def __init__(self, run: Path, trainer: GeneratorTrainer, photos: Tensor) -> None:
        """run: the folder; photos: (N, 3, R, R) in [-1, 1], on the trainer's device."""
        self._path, self._trainer, self._photos = run / BEST, trainer, photos
        self._space = PerceptualSpace(trainer.features)
        self.distance = self._kept()

    def _kept(self) -> float:
        """The distance of what an earlier part of the run kept, measured on as many photos."""
        if not self._path.exists():
            return math.inf
        # Not load_state: the run's own chance goes on.
        kept = torch.load(self._path, weights_only=True, map_location="cpu")
        return float(kept["distance"]) if kept["photos"] == len(self._photos) else math.inf

    def offer(self) -> float:
        """Keep the networks as they are now, if they are better; returns their distance."""
        networks = self._trainer.averaged
        distance = reconstruction_distance(*networks, self._space, self._photos)
        if distance < self.distance:
            self.distance = distance
            state = self._trainer.state()
            needed = {key: state[key] for key in _NEEDED}
            save_state(self._path, needed | {"distance": distance, "photos": len(self._photos)})
        return distance
