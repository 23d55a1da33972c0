"""The engine's step against the step as published: same inputs, same loss, same gradient."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from backend.bundles.networks import Networks
from backend.editing.objective import EditObjective
from backend.editing.options import Weights
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
        loss = reference.loss(networks, heads, w_plus, problem.before, problem.target)
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


def test_the_release_reads_features_by_nearest_neighbour() -> None:
    """Its logits at a pixel are those of the values that lie there, not between four of them."""
    networks = random_networks(CONFIG, 5)
    problem = random_problem(networks)
    heads = reference.separate_heads(networks.segmentation)
    features = networks.generator(problem.w_plus)[1]
    pixel = torch.zeros(32, 32, dtype=torch.bool)
    pixel[5, 21] = True
    rows = torch.cat([f[0, :, 5 * f.shape[2] // 32, 21 * f.shape[3] // 32] for f in features])
    expected = torch.stack([head(rows[None]) for head in heads]).mean(dim=0)
    nearest = reference.segment(heads, features, pixel, "nearest")
    assert torch.allclose(nearest, expected, atol=1e-5)
    assert not torch.allclose(reference.segment(heads, features, pixel), expected, atol=1e-3)


def test_regions_grow_as_each_variant_says() -> None:
    """A single pixel: three squares of 3 x 3 make 7 x 7; the paper's disc has 5 on each side."""
    labels = torch.zeros(2, 512, 512, dtype=torch.int64)
    labels[1, 100, 100] = 3
    edited = torch.tensor([3])
    released = reference.region(labels, edited, reference.RELEASE)
    assert released.sum() == 49 and released[97:104, 97:104].all()
    paper = reference.region(labels, edited, reference.PAPER)
    assert paper[100, 95:106].all() and not paper[100, 94] and not paper[95, 95]


def test_every_variant_comes_nearer_to_what_was_painted() -> None:
    networks = random_networks(CONFIG, 5)
    problem = random_problem(networks)
    for published in reference.VARIANTS:
        # beside random networks' pictures, any change of which is a large one
        variant = replace(published, weights=replace(published.weights, rgb=0.01))
        w_plus, before = problem.w_plus, problem.before
        delta, losses = reference.optimise(networks, w_plus, before, problem.target, variant)
        assert len(losses) == variant.steps
        assert min(losses) < 0.99 * losses[0], variant.name
        heads = reference.separate_heads(networks.segmentation)
        again = reference.loss(networks, heads, w_plus + delta, before, problem.target, variant)
        assert again.item() == pytest.approx(min(losses), rel=1e-4)


def test_the_encoder_term_holds_the_code() -> None:
    networks = random_networks(CONFIG, 5)
    problem = random_problem(networks)
    heads = reference.separate_heads(networks.segmentation)

    def loss(variant: reference.Variant) -> float:
        w_plus = problem.w_plus
        return reference.loss(
            networks, heads, w_plus, problem.before, problem.target, variant
        ).item()

    image = networks.generator(problem.w_plus)[0]
    away = problem.w_plus - networks.encoder(image, networks.generator.w_avg)
    without = replace(reference.RELEASE, encoder=0.0)
    assert loss(reference.RELEASE) - loss(without) == pytest.approx(
        away.square().mean().item(), rel=1e-3
    )


def test_no_weight_gets_a_gradient() -> None:
    networks = random_networks(CONFIG, 5)
    loss_and_gradient(networks, random_problem(networks), engine=True)
    parts = (networks.generator, networks.segmentation, networks.perceptual)
    assert all(p.grad is None and not p.requires_grad for m in parts for p in m.parameters())
