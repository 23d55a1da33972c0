"""One run of generator and encoder together: from where it is until enough pictures were seen.

Reconstruction first: encoder and generator as an autoencoder in W+; on the way W gets one basis for
all layers. Then an adversarial loss comes on top, with reconstruction kept: the one makes pictures
sharp, the other keeps them varied. The mapping network is left alone: samples come from the
distribution of the encoder's codes.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from backend.training.clock import Clock
from backend.training.dataset import AlignedDataset
from backend.training.interruption import whole_steps
from backend.training.state import LAST, save_state
from backend.training.trainer import GeneratorTrainer
from backend.training.unseen import unseen_photos
from protocol.errors import UserError

if TYPE_CHECKING:
    from backend.training.best import BestKept

_SCORED = 200  # photos kept out of training by which the best networks are chosen
_BASIS_BATCHES = 256  # pictures for the basis of W: well more than w_dim


@dataclass(frozen=True)
class Distances:
    """From photos never seen: of the networks that a run by the clock began with, and of the best
    so far; None where they were not measured."""

    distance_before: float | None
    distance_best: float | None


@dataclass(frozen=True)
class GeneratorRun:
    """images: folders of `train align`; output: the run's folder; until: pictures to see in all;
    save_every: pictures between two states; clock: what may end the run before; held_out: names of
    pictures never trained on, by which the best networks are kept where there are any."""

    images: Sequence[Path]
    output: Path
    until: int
    save_every: int
    clock: Clock
    held_out: frozenset[str]
    device: str
    quiet: bool

    def train(self, trainer: GeneratorTrainer, data: AlignedDataset) -> Distances:
        """Step until `until`, saving on the way; raises UserError where a loss is no number."""
        settings, resolution, team = trainer.settings, trainer.config.resolution, trainer.team
        shown = self._shown_images(resolution)
        best = self._best_kept(trainer) if team.leads else None
        before = best.offer() if best and self.clock.ends else None
        batches = data.batches(settings.batch, resolution, settings.seed, trainer.seen, team)
        losses: list[dict[str, Tensor]] = []
        quiet = self.quiet or not team.leads
        bar = tqdm(
            total=self.until, initial=trainer.seen, unit="img", mininterval=10, disable=quiet
        )
        with whole_steps() as interrupted:
            while trainer.seen < self.until and not team.any(interrupted() or self.clock.over):
                self._share_basis(trainer, data, bar)
                trainer.cool(self.until, self._rate(trainer))
                losses = [*losses[-49:], trainer.step(next(batches))]
                bar.update(settings.batch)
                if trainer.seen % self.save_every < settings.batch or trainer.seen >= self.until:
                    means = means_shown(losses)
                    if team.leads:
                        self._keep(trainer, best, shown, means, bar)
            if trainer.seen < self.until and team.leads:  # interrupted, or the time is over
                if losses and not interrupted():
                    self._keep(trainer, best, shown, means_shown(losses), bar)
                else:
                    save_state(self.output / LAST, trainer.state())
        return Distances(before, best.distance if best else None)

    def _rate(self, trainer: GeneratorTrainer) -> float:
        """Of the rates, by the clock: the same for all processes, which must not drift apart."""
        if not self.clock.ends:
            return 1.0
        return trainer.team.mean(torch.tensor(self.clock.rate, device=trainer.device)).item()

    def _keep(
        self,
        trainer: GeneratorTrainer,
        best: BestKept | None,
        shown: Tensor,
        means: dict[str, str],
        bar: tqdm[Any],
    ) -> None:
        """Save the run as it is, and show how far it is."""
        save_state(self.output / LAST, trainer.state())
        if best:
            means |= {"distance": f"{best.offer():.3f}", "best": f"{best.distance:.3f}"}
        bar.set_postfix(means)
        trainer.sample_sheet(self.output / f"sheet-{trainer.seen:08d}.png", shown)

    def _shown_images(self, resolution: int) -> Tensor:
        """Eight pictures for the sheets, held out where there are any, (8, 3, R, R)."""
        data = AlignedDataset(self.images, device=self.device)
        shown = [i for i, name in enumerate(data.names) if name in self.held_out]
        shown = shown or list(range(8))
        return data.batch(np.array(shown[:: max(len(shown) // 8, 1)][:8]), resolution)

    def _best_kept(self, trainer: GeneratorTrainer) -> BestKept | None:
        """What keeps a run's best networks, where there are photos to tell them by."""
        if not self.held_out:
            return None
        from backend.training.best import BestKept

        photos = unseen_photos(self.images, self.held_out, trainer.config.resolution, _SCORED)
        return BestKept(self.output, trainer, photos.to(trainer.device))

    def _share_basis(self, trainer: GeneratorTrainer, data: AlignedDataset, bar: tqdm[Any]) -> None:
        """One basis of W for all layers, when its time has come."""
        settings = trainer.settings
        if trainer.shared_basis or trainer.seen < settings.shared_from:
            return
        some = data.batches(settings.batch, trainer.config.resolution, settings.seed + 1, 0)
        explained = trainer.share_basis(itertools.islice(some, _BASIS_BATCHES))
        if not bar.disable:
            text = f"One w for all layers holds {explained:.1%} of the codes' variance."
            bar.write(text, sys.stderr)


def means_shown(losses: Sequence[dict[str, Tensor]]) -> dict[str, str]:
    """Means of losses by name, to be shown before a run is saved; raises UserError where one is
    no number."""
    means = {k: torch.stack([x[k] for x in losses if k in x]).float().mean() for k in losses[-1]}
    if not all(mean.isfinite() for mean in means.values()):
        raise UserError("A loss is not finite; the run saved before is as it was.")
    return {k: f"{mean:.3f}" for k, mean in means.items()}
