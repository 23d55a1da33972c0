"""Samples drawn from the distribution of codes."""

import torch

from backend.bundles import find_bundle
from backend.bundles.networks import load_generator
from backend.models.codes import CodeDistribution, fit_codes
from backend.models.generator import sample_z


def known_codes(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes (count, 3, 4) that vary along two directions, and their mean."""
    random = torch.Generator().manual_seed(0)
    mean = torch.randn(3, 4, generator=random)
    directions = torch.linalg.qr(torch.randn(12, 2, generator=random))[0].t().unflatten(1, (3, 4))
    amounts = torch.randn(count, 2, generator=random) * torch.tensor([3.0, 0.5])
    return mean + torch.einsum("nk,kij->nij", amounts, directions), mean


def test_samples_are_spread_like_the_codes() -> None:
    codes, mean = known_codes(4000)
    found, held = fit_codes(codes, z_dim=2)
    assert held > 0.999
    drawn = found(torch.randn(4000, 2, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.2, rtol=0)
    expected, got = torch.cov(codes.flatten(1).t()), torch.cov(drawn.flatten(1).t())
    assert (got - expected).norm() < 0.1 * expected.norm()


def test_truncation_pulls_towards_the_mean() -> None:
    codes, _ = known_codes(200)
    found, _ = fit_codes(codes, z_dim=2)
    z = torch.ones(1, 2)
    torch.testing.assert_close(found(z, 0.0)[0], codes.mean(0))
    torch.testing.assert_close(found(z, 0.5) - found.mean, (found(z) - found.mean) / 2)


def test_what_is_left_out_is_told() -> None:
    codes, _ = known_codes(4000)
    _, held = fit_codes(codes, z_dim=1)
    assert abs(held - 9 / 9.25) < 0.02


def test_a_bundle_with_codes_draws_a_w_for_each_layer() -> None:
    bundle = find_bundle("faces")
    generator = load_generator(bundle)
    assert isinstance(generator.codes, CodeDistribution)
    w_plus = generator.map(sample_z(bundle.config, [1, 2]), truncation=0.7)
    assert w_plus.shape == (2, bundle.config.n_ws, bundle.config.w_dim)
    assert not torch.allclose(w_plus[:, 0], w_plus[:, -1], atol=0.1)
