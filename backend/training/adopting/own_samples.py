"""An encoder that learns from its generator's own samples, whose codes are known: no photos are
needed; photos, where there are some, are learned from as well."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from backend.bundles.bundle import Bundle, write_bundle_json
from backend.bundles.networks import (
    load_generator,
    load_own_encoder,
    load_perceptual,
    save_network,
)
from backend.editing.progress import Progress, ProgressCallback, no_progress
from backend.models.encoder import Encoder
from backend.models.generator import sample_z
from backend.models.perceptual import feature_distance
from backend.models.pictures import save_grid, to_uint8
from backend.training.adopting.report import LearnedEncoder
from backend.training.dataset import AlignedDataset
from backend.training.encoder import EncoderTrainer
from backend.training.state import TrainingState, load_state, saving, update_average

STATE, SHEET = "encoder.pt", "encoder.png"
_HELD_OUT = range(900_000, 900_016)  # seeds of samples that are never learned from
_TRUNCATION = 0.8
_LOOKS = 20  # at the held-out samples, in a whole run
_HALF_LIFE = 2000  # images, of the average of the weights; at most a tenth of those seen


@dataclass(frozen=True)
class Course:
    """How long and how an encoder learns: pictures in all, pictures in a step (real ones as many
    as samples), and pictures in memory together."""

    until: int
    batch: int = 8
    at_once: int = 4


class SampleTrainer(EncoderTrainer):
    """An EncoderTrainer that also keeps the average of its weights, which is what is used, and
    draws the samples of a step by its number: a run that resumes draws the same."""

    def __init__(self, bundle: Bundle, *, device: str, at_once: int) -> None:
        encoder = load_own_encoder(bundle) if bundle.has("encoder") else Encoder(bundle.config)
        perceptual = load_perceptual(bundle)
        super().__init__(
            load_generator(bundle), encoder, perceptual, rate=4e-4, device=device, at_once=at_once
        )
        self.average = copy.deepcopy(self.encoder).eval().requires_grad_(False)
        self.held_out = self._codes(sample_z(bundle.config, _HELD_OUT))
        self.first: float | None = None  # score, before the first step

    def _codes(self, z: Tensor) -> Tensor:
        with torch.no_grad():
            return self.generator.map(z.to(self.device), truncation=_TRUNCATION)

    def _known(self, samples: int) -> Tensor:
        """Codes of W, and of W+ by mixing two of them: an encoder meets both in photos."""
        chance = torch.Generator().manual_seed(self.seen)
        z_dim, n_ws = self.generator.config.z_dim, self.generator.config.n_ws
        z = torch.randn(2, samples, z_dim, generator=chance)
        first, second = (self._codes(one) for one in z)
        cut = torch.randint(1, 2 * n_ws, (samples, 1, 1), generator=chance).to(self.device)
        layer = torch.arange(n_ws, device=self.device)[None, :, None]
        return torch.where(layer < cut, first, second)

    def step(self, real: Tensor | None, samples: int) -> dict[str, float]:
        losses = super().step(real, samples)
        half_life = min(_HALF_LIFE, 0.1 * self.seen)
        update_average(self.average, self.encoder, 0.5 ** (samples / half_life))
        return losses

    @torch.no_grad()
    def score(self) -> tuple[float, Tensor]:
        """The mean perceptual distance of held-out samples from their reconstructions, and both
        (2 * N, 3, R, R) on the CPU."""
        distances, drawn, rebuilt = [], [], []
        for code in self.held_out.split(1):
            picture = self.generator(code)[0].clamp(-1, 1)
            again = self.generator(self.average(picture, self.generator.w_avg))[0].clamp(-1, 1)
            features = (self.perceptual.features(image) for image in (again, picture))
            distance = feature_distance(*features).mean() * self.perceptual.scale
            distances.append(float(distance))
            drawn.append(picture.cpu())
            rebuilt.append(again.cpu())
        return sum(distances) / len(distances), torch.cat([*drawn, *rebuilt])

    def state(self) -> TrainingState:
        return super().state() | {"average": self.average.state_dict(), "first": self.first}

    def restore(self, state: Any) -> None:
        super().restore(state)
        self.average.load_state_dict(state["average"])
        self.first = state.get("first")


def samples_seen(folder: Path) -> int:
    """How many samples the encoder has learned from, by the state in `folder`."""
    state = load_state(folder / STATE)
    return 0 if state is None else int(state["seen"])


def learn_encoder(
    bundle: Bundle,
    folder: Path,
    course: Course,
    *,
    images: Path | None = None,
    device: str = "cpu",
    quiet: bool = False,
    progress: ProgressCallback = no_progress,
) -> LearnedEncoder:
    """Train an encoder and write it into the bundle; resumes with what `folder` holds.

    images: a folder from `train align`, for photos. A sheet of held-out samples and their
    reconstructions is drawn as it goes. progress may cancel, after which the next run goes on, or
    say that it is enough. Returns the perceptual distance before and after.
    """
    torch.manual_seed(0)
    trainer = SampleTrainer(bundle, device=device, at_once=course.at_once)
    if state := load_state(folder / STATE):
        trainer.restore(state)
    data = AlignedDataset(images) if images else None
    photos = data.batches(course.batch, bundle.resolution, 0, trainer.seen) if data else None
    best = trainer.score()[0]
    first = trainer.first = best if trainer.first is None else trainer.first
    bar = tqdm(
        total=course.until, initial=trainer.seen, desc="Encoder", unit="img", disable=quiet or None
    )
    every = max(course.batch, math.ceil(course.until / _LOOKS))
    with saving(folder / STATE, trainer) as save:
        while trainer.seen < course.until:
            if progress(Progress(trainer.seen / course.until, "Learning to find codes")):
                best = _look(trainer, folder)
                break
            trainer.step(next(photos) if photos else None, course.batch)
            bar.update(course.batch)
            if trainer.seen % every < course.batch or trainer.seen >= course.until:
                best = _look(trainer, folder)
                bar.set_postfix(distance=f"{best:.3f}")
            save()
    bar.close()
    save_network(trainer.average, bundle.path("encoder"))
    write_bundle_json(bundle)
    return LearnedEncoder(first, best, float(trainer.seen))


def _look(trainer: SampleTrainer, folder: Path) -> float:
    """Draw the sheet of held-out samples; returns their distance."""
    distance, pictures = trainer.score()
    save_grid(folder / SHEET, to_uint8(pictures), len(trainer.held_out))
    return distance
