"""The engine's step against the step as published: same inputs, same loss, same gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.bundles.networks import Networks
from backend.editing.objective import EditObjective, Weights
from backend.models.config import GeneratorConfig
from benchmarks import reference
from benchmarks.random_model import Problem, random_networks, random_problem

CONFIG = GeneratorConfig(
    resolution=32, channel_base=512, channel_max=32, z_dim=16, w_dim=16, mapping_layers=2
)


def loss_and_gradient(networks: Networks, problem: Problem, *, engine: bool) -> tuple[Tensor, ...]:
    delta = problem.delta.clone().requires_grad_(True)
    w_plus = problem.w_plus + delta
    if engine:
        objective = EditObjective(networks, problem.before, problem.target, Weights())
        loss = sum(objective.terms(*networks.generator(w_plus)).values())
    else:
        heads = reference.separate_heads(networks.segmentation)
        loss = reference.loss(networks, heads, w_plus, problem.before, problem.target, Weights())
    return loss.detach(), *torch.autograd.grad(loss, delta)


@pytest.mark.parametrize("share", [0.003, 0.1, 0.9])
@pytest.mark.parametrize("classes", [5, 32])
def test_the_engine_takes_the_step_as_published(classes: int, share: float) -> None:
    """A region of 3 pixels, of a tenth and of nearly all: every way to read the features."""
    networks = random_networks(CONFIG, classes)
    problem = random_problem(networks, share=share)
    loss, gradient = loss_and_gradient(networks, problem, engine=True)
    wanted, wanted_gradient = loss_and_gradient(networks, problem, engine=False)
    assert float((loss - wanted).abs() / wanted) < 1e-4
    assert float((gradient - wanted_gradient).norm() / wanted_gradient.norm()) < 1e-3


def test_labels_coarser_than_the_picture() -> None:
    """From 1024 pixels on, labels have half the picture's resolution."""
    networks = random_networks(CONFIG, 5)
    networks.segmentation.resolution = 16
    problem = random_problem(networks, share=0.2)
    loss, gradient = loss_and_gradient(networks, problem, engine=True)
    wanted, wanted_gradient = loss_and_gradient(networks, problem, engine=False)
    assert float((loss - wanted).abs() / wanted) < 1e-4
    assert float((gradient - wanted_gradient).norm() / wanted_gradient.norm()) < 1e-3


def test_no_weight_gets_a_gradient() -> None:
    networks = random_networks(CONFIG, 5)
    loss_and_gradient(networks, random_problem(networks), engine=True)
    parts = (networks.generator, networks.segmentation, networks.perceptual)
    assert all(p.grad is None and not p.requires_grad for m in parts for p in m.parameters())
