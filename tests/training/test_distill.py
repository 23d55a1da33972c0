"""A network learns an edit from the generator's own pairs."""

import torch

from backend.bundles import find_bundle
from backend.bundles.networks import load_perceptual
from backend.models.config import GeneratorConfig
from backend.models.generator import Generator
from backend.models.picture_network import PictureNetwork
from backend.training.distill import DistillationTrainer

CONFIG = GeneratorConfig(resolution=32, channel_base=512, channel_max=32, z_dim=8, w_dim=16)


def test_it_begins_as_no_change_and_reads_conditions() -> None:
    torch.manual_seed(0)
    picture, condition = torch.rand(2, 3, 32, 32), torch.rand(2, 5, 32, 32)
    assert torch.equal(PictureNetwork()(picture), picture)
    assert torch.equal(PictureNetwork(5)(picture, condition), picture)


def test_pairs_differ_by_the_edit_and_are_learnt() -> None:
    torch.manual_seed(0)
    generator = Generator(CONFIG).eval().requires_grad_(False)
    vector = 2 * torch.randn(CONFIG.n_ws, CONFIG.w_dim)
    perceptual = load_perceptual(find_bundle("faces"))
    trainer = DistillationTrainer(generator, perceptual, vector, 3e-3)
    before, after = trainer.pairs(4)
    assert before.shape == after.shape == (4, 3, 32, 32)
    assert (before - after).abs().mean() > 0.05
    losses = [float(trainer.step(4)) for _ in range(40)]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10]) and trainer.seen == 160
