"""Work on a GPU that is recorded once and then replayed: one launch instead of a thousand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")
_log = logging.getLogger(__name__)
_possible = True


class Replay(Generic[Result]):
    """A CUDA graph of `work`, which always reads and writes the same tensors.

    work: has run before, launches kernels only, and asks for nothing that they compute; gradients
    are with respect to leaves that it makes itself. What it returns is written anew by each call.
    Raises OutOfMemoryError: what a recording uses is its own until it is dropped.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work  # the recording reads tensors that nothing else may hold
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may still use the GPU meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._result = work()

    def __call__(self) -> Result:
        self._graph.replay()
        return self._result


class Recorded(Generic[Result]):
    """A function of one tensor, recorded when a GPU is asked for it a second time.

    What it returns there is written anew by the next call. Tensors on a CPU, or of another shape
    than the first, are passed on to the function; all are where there is no memory to record it.
    """

    def __init__(self, function: Callable[[Tensor], Result]) -> None:
        self._function = function
        self._given: Tensor | None = None
        self._replay: Replay[Result] | None = None
        self._possible = True

    def __call__(self, x: Tensor) -> Result:
        if not (self._possible and x.is_cuda and self._is_as_before(x)):
            return self._function(x)
        if self._given is None:
            self._given = x.clone()
            return self._function(x)
        given, function = self._given.copy_(x), self._function
        if self._replay is None:
            self._replay = replay_of(lambda: function(given))  # no cycle: it holds much memory
            self._possible = self._replay is not None
        return self._replay() if self._replay else self._function(x)

    def _is_as_before(self, x: Tensor) -> bool:
        return self._given is None or x.shape == self._given.shape


def replay_of(work: Callable[[], Result]) -> Replay[Result] | None:
    """A recording of `work`, if there is memory for it, and the GPU's driver can."""
    global _possible
    try:
        return Replay(work) if _possible else None
    except torch.cuda.OutOfMemoryError:
        return None
    except RuntimeError as error:  # not of the work itself, which has run before
        _log.warning("kernels are launched one by one from now on; recording failed: %s", error)
        _possible = False  # what a failed recording leaves behind spoils the next one
        return None
