"""A grown network begins as the small one and goes on from there."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from backend.bundles import find_bundle
from backend.bundles.networks import load_generator, load_own_encoder
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder
from backend.models.generator import Generator
from backend.models.runtime.resampling import enlarged
from backend.training.config import TrainingConfig
from backend.training.growing import check_growth, grow_encoder, grow_generator
from backend.training.trainer import GeneratorTrainer
from protocol.errors import UserError

SMALL = GeneratorConfig(resolution=64, channel_base=512, channel_max=32, z_dim=16, w_dim=16)
LARGE = replace(SMALL, resolution=128)


@torch.no_grad()
def test_the_grown_generator_shows_the_small_picture_upsampled() -> None:
    torch.manual_seed(0)
    small, large = Generator(SMALL), Generator(LARGE)
    grow_generator(small, large)
    w_plus = torch.randn(2, LARGE.n_ws, 16)
    expected = enlarged(small(w_plus[:, : SMALL.n_ws])[0], small.filter)
    found = large(w_plus)[0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert found.shape[-1] == 128


@torch.no_grad()
def test_the_grown_encoder_gives_the_small_codes_and_repeats_the_last() -> None:
    torch.manual_seed(0)
    small, large = Encoder(SMALL), Encoder(LARGE)
    grow_encoder(small, large)
    image = torch.rand(2, 3, 128, 128) * 2 - 1
    expected = small(F.avg_pool2d(image, 2), torch.zeros(16))
    found = large(image, torch.zeros(16))
    torch.testing.assert_close(found[:, : SMALL.n_ws], expected)
    torch.testing.assert_close(found[:, -1], expected[:, -1])


def test_only_the_resolution_may_grow() -> None:
    check_growth(SMALL, LARGE)
    for wrong in (replace(LARGE, w_dim=32), replace(LARGE, channel_base=1024)):
        with pytest.raises(UserError, match="only the resolution"):
            check_growth(SMALL, wrong)
    with pytest.raises(UserError, match="only the resolution"):
        check_growth(LARGE, SMALL)


def test_a_grown_run_trains_every_new_layer() -> None:
    bundle = find_bundle("faces")
    config = replace(bundle.config, resolution=2 * bundle.resolution)
    trainer = GeneratorTrainer(config, TrainingConfig(batch=1), bundle.path("perceptual"))
    trainer.start_from(bundle)
    before = {k: v.clone() for k, v in trainer.generator.blocks[-1].named_parameters()}
    for _ in range(2):  # the first step moves to_rgb away from zero, the second the rest
        trainer.step(torch.rand(1, 3, config.resolution, config.resolution) * 2 - 1)
    still = [
        k for k, v in trainer.generator.blocks[-1].named_parameters() if torch.equal(v, before[k])
    ]
    assert not still
    assert load_generator(bundle).config.n_ws + 2 == config.n_ws
    assert load_own_encoder(bundle).reads <= trainer.encoder.reads
