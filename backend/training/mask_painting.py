"""Teaching MaskGAN's network (Lee et al. 2020), a baseline, on hand-labelled photographs.

Two framings of one photo make a pair: the style is read off one, the other's label map is painted
and compared with the other. What the paper draws from a mask VAE to simulate edits, maps that
differ from the photo's own, are here its own maps shifted, turned, scaled and mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.bundle import Part
from backend.editing.photo_parts import as_parts
from backend.models.mask_network import MaskNetwork
from backend.models.parser import CLASSES
from backend.models.perceptual import SqueezeNetFeatures, feature_distance
from backend.training.critic import Critic, gradient_ratio
from backend.training.face_parts import FaceParts
from backend.training.labelled import UNLABELLED
from backend.training.photographic import framed
from backend.training.state import TrainingState

_MSE, _PERCEPTUAL = 2.0, 0.4
_ADVERSARIAL = 0.5  # its gradient at the picture, relative to the others' (Esser et al. 2021)
_BALANCE_EVERY = 16  # steps between two looks at the gradients

Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""Photos, their parts, the pictures wanted, their parts, and where these are labelled."""


def part_table(parts: Sequence[Part]) -> Tensor:
    """(256, P): the bundle's part of each of the parser's classes; none for what is not labelled,
    and for glasses, which are looked through."""
    rows = np.eye(len(CLASSES), dtype=np.float32)
    seen = {name: rows[i][None] for i, name in enumerate(CLASSES)}
    table = torch.zeros(256, len(parts))
    table[: len(CLASSES)] = torch.from_numpy(as_parts(seen, parts)[:, 0].T.copy())
    return table


def pairs(
    data: FaceParts,
    kept: NDArray[np.int64],
    table: Tensor,
    size: int,
    rng: np.random.Generator,
    count: int,
) -> Batch:
    """Two framings each of `count` photos among `kept`, `size` pixels wide."""
    chosen = rng.choice(kept, count)
    both = []
    for _ in range(2):
        cut = [framed(data.images[i], data.labels[i], size, rng) for i in chosen]
        images = torch.from_numpy(np.stack([image for image, _ in cut])).permute(0, 3, 1, 2)
        labels = torch.from_numpy(np.stack([labels for _, labels in cut]).astype(np.int64))
        both.append((images.float() / 127.5 - 1, labels))
    (photos, seen), (pictures, wanted) = both
    known = (wanted != UNLABELLED)[:, None].float()
    maps = [table[labels].permute(0, 3, 1, 2).contiguous() for labels in (seen, wanted)]
    return photos, maps[0], pictures, maps[1], known


class MaskTrainer:
    """The network, its discriminator, their optimisers and one step."""

    def __init__(
        self, parts: int, perceptual: SqueezeNetFeatures, rate: float, adversarial_from: int
    ) -> None:
        """adversarial_from: photos seen from which on the discriminator is listened to."""
        self.network = MaskNetwork(parts)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=rate, betas=(0.5, 0.99))
        self.features = perceptual
        self.critic = Critic(perceptual.channels, rate, torch.device("cpu"))
        self.adversarial_from, self.balance, self.seen = adversarial_from, 0.0, 0

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step; returns the losses."""
        photos, parts, pictures, wanted, known = batch
        made = self.network(photos, parts, wanted)
        shown = torch.where(known > 0, made, pictures)  # what nobody labelled may be anything
        with torch.no_grad():
            real = self.features.features(pictures)
        fake = self.features.features(shown)
        distance = _PERCEPTUAL * feature_distance(fake, real).mean()
        losses = {"mse": _MSE * F.mse_loss(shown, pictures), "perceptual": distance}
        taught = self.critic.train(pictures, real, shown, fake)
        if self.seen >= self.adversarial_from:
            judged = self.critic.judge(shown, fake)
            if not self.balance or self.seen // len(photos) % _BALANCE_EVERY == 0:
                together = losses["mse"] + losses["perceptual"]
                self.balance = gradient_ratio(together, judged, shown, len(photos)).item()
            losses["adversarial"] = _ADVERSARIAL * self.balance * judged
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        self.optimiser.step()
        self.seen += len(photos)
        return {name: loss.detach() for name, loss in (losses | {"critic": taught}).items()}

    def state(self) -> TrainingState:
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critic": self.critic.state(),
            "balance": self.balance,
            "seen": self.seen,
        }

    def restore(self, state: TrainingState) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.critic.restore(state["critic"])
        self.balance, self.seen = state["balance"], state["seen"]
