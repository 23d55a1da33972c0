"""One run by several processes, on one machine or many, as torch's `torchrun` starts them.

Each takes its share of every batch; gradients are averaged before a step, so that all hold the same
networks. The average is taken by hand: DistributedDataParallel allows neither several backward
passes in a step nor `autograd.grad`, and the balance of losses needs both.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.errors import BadSetting

Shared = TypeVar("Shared", Tensor, NDArray[np.int64], NDArray[np.bool_])


@dataclass(frozen=True)
class Team:
    """This process and how many there are: rank 0..size - 1."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this one writes files and shows progress."""
        return self.rank == 0

    def check(self, batch: int) -> None:
        """Raises BadSetting unless all can have equal shares of a batch."""
        if batch % self.size:
            raise BadSetting(
                f"A batch of {batch} cannot be shared equally by {self.size} processes; choose a "
                "multiple."
            )

    def share(self, whole: Shared) -> Shared:
        """This process's rows of a batch."""
        return whole[self.rank :: self.size]

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their mean over all processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        parts = flat.split([g.numel() for g in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes of a tensor that each has."""
        if self.size == 1:
            return values
        total = values.detach().clone()
        dist.all_reduce(total)
        return total / self.size

    def gathered(self, mine: Tensor) -> Tensor:
        """All processes' rows (B / size, ...) as the whole batch, (B, ...)."""
        if self.size == 1:
            return mine
        found = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(found, mine.contiguous())
        return torch.stack(found, dim=1).flatten(0, 1)  # share() deals rows out in turn

    def any(self, flag: bool) -> bool:
        """Whether it is so in any process: all answer the same."""
        if self.size == 1:
            return flag
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        found = torch.tensor(float(flag), device=device)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return bool(found)

    def chance(self, seed: int, seen: int) -> None:
        """Random numbers of a step that hang on the step and the process alone, so that a run goes
        on exactly, and by more or fewer processes; one process goes on with its own."""
        if self.size > 1:
            mixed = np.random.SeedSequence([seed, seen, self.rank]).generate_state(1, np.uint64)
            torch.manual_seed(int(mixed[0] >> np.uint64(1)))


ALONE = Team()


@contextlib.contextmanager
def joined(device: str) -> Iterator[tuple[Team, str]]:
    """The team that `torchrun` started this process for, and this process's device.

    Without torchrun: this process alone.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE, device
        return
    if device.startswith("cuda"):
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Team(dist.get_rank(), size), device
    finally:
        dist.destroy_process_group()
