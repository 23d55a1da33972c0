"""What a GPU computes by other routines, against a CPU."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from backend.bundles.networks import Networks
from backend.editing.descent import LossAndGradient
from backend.editing.inversion import InversionLevel, encode, invert
from backend.editing.objective import EditObjective
from backend.editing.optimise import optimise_delta
from backend.editing.options import Weights
from backend.models.config import GeneratorConfig
from backend.models.runtime.replay import Recorded
from benchmarks.random_model import Problem, random_networks, random_problem

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
CONFIG = GeneratorConfig(
    resolution=128, channel_base=2048, channel_max=64, z_dim=16, w_dim=16, mapping_layers=2
)
STEPS = 12


@pytest.fixture(autouse=True)
def exact_convolutions() -> Iterator[None]:
    """Both compute in float32: torch's default for convolutions on a GPU is TF32."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def on(device: str) -> tuple[Networks, Problem]:
    networks = random_networks(CONFIG, 32, device)
    return networks, random_problem(networks)


def test_picture_and_logits() -> None:
    found = {}
    for device in ("cpu", "cuda"):
        networks, problem = on(device)
        image, features = networks.generator(problem.w_plus)
        found[device] = image.cpu(), networks.segmentation.logits(features).cpu()
    for ours, expected in zip(found["cuda"], found["cpu"], strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-3)


def test_the_gradient_of_a_step() -> None:
    found = {}
    for device in ("cpu", "cuda"):
        networks, problem = on(device)
        delta = problem.delta.clone().requires_grad_(True)
        objective = EditObjective(networks, problem.before, problem.target, Weights())
        image, features = networks.generator(problem.w_plus + delta)
        loss = torch.stack(list(objective.terms(image, features).values())).sum()
        found[device] = torch.autograd.grad(loss, delta)[0].cpu()
    assert float((found["cuda"] - found["cpu"]).norm() / found["cpu"].norm()) < 1e-3


def test_what_is_recorded_gives_the_same_terms_and_gradient() -> None:
    networks, problem = on("cuda")
    objective = EditObjective(networks, problem.before, problem.target, Weights())

    def evaluate(delta: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        image, features = networks.generator(problem.w_plus + delta)
        return objective.terms(image, features), image

    at = torch.zeros_like(problem.delta)
    launched, recorded = LossAndGradient(at, evaluate), LossAndGradient(at, evaluate)
    recorded(gradient=True)
    recorded.record()
    for scale in (0.0, 1.0, -1.0, 0.5):
        at.copy_(scale * problem.delta)
        (terms, picture), gradient = launched(gradient=True), at.grad.clone()
        found, shown = recorded(gradient=True)
        assert found == pytest.approx(terms, rel=1e-3)
        torch.testing.assert_close(shown, picture, rtol=1e-3, atol=1e-3)
        assert float((at.grad - gradient).norm() / gradient.norm()) < 1e-3


def test_an_edit_gets_better() -> None:
    networks, problem = on("cuda")
    objective = EditObjective(networks, problem.before, problem.target, Weights())
    start = problem.delta
    found = optimise_delta(networks, problem.w_plus, objective, steps=STEPS, start=start, lr=0.005)
    assert found.steps == STEPS
    assert min(found.losses) < 0.9 * found.losses[0]


def test_an_embedding_gets_better() -> None:
    networks, problem = on("cuda")
    mask = torch.ones_like(problem.before[:, :1])
    start = encode(networks, problem.before)
    code = invert(networks, problem.before, mask, InversionLevel(steps=STEPS))
    with torch.no_grad():
        first, last = (networks.generator(w_plus)[0] for w_plus in (start, code))
    assert (last - problem.before).square().mean() < (first - problem.before).square().mean()


def test_pictures_shown_on_the_way_stay_what_they_were() -> None:
    networks, problem = on("cuda")
    objective = EditObjective(networks, problem.before, problem.target, Weights())
    shown = []
    optimise_delta(
        networks, problem.w_plus, objective, steps=STEPS, progress=lambda n: shown.append(n.preview)
    )
    pictures = [draw() for draw in shown]
    assert all((a != b).any() for a, b in pairwise(pictures))


def test_a_recording_follows_what_it_is_given() -> None:
    networks, problem = on("cuda")
    recorded = Recorded(networks.picture_and_labels)
    for scale in (0.0, 0.5, 1.0, 2.0):
        w_plus = problem.w_plus + scale * problem.delta
        found = [tensor.clone() for tensor in recorded(w_plus)]
        for ours, expected in zip(found, networks.picture_and_labels(w_plus), strict=True):
            torch.testing.assert_close(ours, expected)


def test_without_memory_for_a_recording_an_edit_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, work: object) -> None:
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr("backend.models.runtime.replay.Replay.__init__", full)
    test_an_edit_gets_better()


def test_where_recording_fails_an_edit_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(self: object, work: object) -> None:
        raise RuntimeError("not on this driver")

    monkeypatch.setattr("backend.models.runtime.replay.Replay.__init__", failing)
    monkeypatch.setattr("backend.models.runtime.replay._possible", True)
    test_an_edit_gets_better()
    assert "not on this driver" in caplog.text


def test_other_shapes_are_computed_as_ever() -> None:
    def doubled(x: Tensor) -> Tensor:
        return 2 * x

    recorded = Recorded(doubled)
    for shape in ((2, 3), (2, 3), (4,), (2, 3)):
        x = torch.randn(shape, device="cuda")
        torch.testing.assert_close(recorded(x).clone(), 2 * x)


def test_what_was_recorded_gives_its_memory_back() -> None:
    networks, problem = on("cuda")
    objective = EditObjective(networks, problem.before, problem.target, Weights())
    gc.disable()  # no reference is in a circle
    try:
        before = torch.cuda.memory_allocated()
        found = optimise_delta(networks, problem.w_plus, objective, steps=STEPS)
        recorded = Recorded(networks.picture_and_labels)
        for _ in range(3):
            recorded(problem.w_plus)
        assert torch.cuda.memory_allocated() > before + problem.before.nbytes
        del recorded, found
        assert torch.cuda.memory_allocated() <= before + 2**20  # tables of interpolation
    finally:
        gc.enable()
