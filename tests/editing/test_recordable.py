"""What a GPU records must launch kernels only: nothing may ask for what they compute, or bring
numbers from the CPU. Here on a CPU, where the same operations can be watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from backend.bundles import find_bundle
from backend.bundles.networks import Networks, load_networks
from backend.editing.descent import Evaluate, LossAndGradient
from backend.editing.inversion import LEVELS, invert
from backend.editing.objective import EditObjective
from backend.editing.optimise import optimise_delta
from backend.editing.options import Weights
from backend.editing.preview.networks import PreviewNetworks
from backend.models.config import GeneratorConfig
from backend.models.generator import Generator
from backend.models.segmentation import SegmentationBranch
from benchmarks.random_model import Problem, random_problem

aten = torch.ops.aten
WAITING = {
    aten._local_scalar_dense,  # .item(), float(), bool()
    aten.nonzero,  # a shape that is not known before
    aten.masked_select,
    aten._unique2,
    aten.unique_dim,
    aten.bincount,
    aten.lift_fresh,  # torch.tensor(...): numbers from the CPU
}
INDEXING = {aten.index, aten.index_put, aten.index_put_}  # a mask as index is a nonzero, too


class KernelsOnly(TorchDispatchMode):
    """Raises an AssertionError where a recording would break off."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        masks = func.overloadpacket in INDEXING and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        assert func.overloadpacket not in WAITING and not masks, f"{func} waits for the GPU"
        return func(*args, **(kwargs or {}))


@pytest.fixture(scope="module", params=["faces", "cats"])
def networks(request: pytest.FixtureRequest) -> Networks:
    return load_networks(find_bundle(request.param), torch.device("cpu"))


@pytest.fixture(scope="module")
def problem(networks: Networks) -> Problem:
    return random_problem(networks, share=0.02)


def watched(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> int:
    """Do `work` with its evaluations watched; how many there were, the first not counted."""
    counts = []

    class Watched(LossAndGradient):
        def __init__(self, at: Tensor, evaluate: Evaluate) -> None:
            super().__init__(at, evaluate)
            inner, self._begun = self._work, False

            def watch(**settings: bool) -> tuple[Tensor, Tensor]:
                if not self._begun:  # what is computed once is computed before the recording
                    self._begun = True
                    return inner(**settings)
                counts.append(1)
                with KernelsOnly():
                    return inner(**settings)

            self._work = watch

    monkeypatch.setattr("backend.editing.descent.LossAndGradient", Watched)
    work()
    return len(counts)


def test_a_step_of_an_edit(
    networks: Networks, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective = EditObjective(networks, problem.before, problem.target, Weights())
    work = lambda: optimise_delta(networks, problem.w_plus, objective, steps=2)  # noqa: E731
    assert watched(monkeypatch, work) == 2


def test_a_step_of_an_embedding(
    networks: Networks, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = torch.ones_like(problem.before[:, :1])
    level = LEVELS["fast"]
    steps = watched(monkeypatch, lambda: invert(networks, problem.before, mask, level))
    assert steps == level.steps


def test_picture_and_labels(networks: Networks, problem: Problem) -> None:
    for look in (networks.picture_and_labels, PreviewNetworks(networks)):
        expected = look(problem.w_plus)
        with KernelsOnly():
            found = look(problem.w_plus)
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, theirs)


def test_a_gpus_own_routines_fit_together() -> None:
    """On a GPU that is only imagined: shapes and devices are real, numbers are not."""
    config = GeneratorConfig(1024, channel_base=2048, channel_max=8, z_dim=8, w_dim=8)
    with FakeTensorMode(), torch.device("cuda"):
        generator = Generator(config).eval().requires_grad_(False)
        branch = SegmentationBranch(config.feature_channels, 5, 1024, heads=4)
        networks = Networks(generator, branch.eval().requires_grad_(False), None, None, None)
        w_plus = torch.randn(1, config.n_ws, 8)
        image, labels = networks.picture_and_labels(w_plus)
        pictures, coarse = PreviewNetworks(networks)(w_plus)
    shapes = {image: (1, 3, 1024, 1024), labels: (512, 512)}
    shapes |= {pictures: (1, 256, 256, 3), coarse: (1, 128, 128)}
    assert all(tensor.is_cuda and tensor.shape == shape for tensor, shape in shapes.items())


def test_the_watch_sees_what_waits() -> None:
    x = torch.ones(3)
    for waiting in (lambda: float(x.sum()), lambda: x[x > 0], lambda: torch.tensor([1.0])):
        with pytest.raises(AssertionError, match="waits"), KernelsOnly():
            waiting()
