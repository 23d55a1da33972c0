"""An encoder whose answers lie in the space of codes: smaller, and read like any other."""

from pathlib import Path

import pytest
import torch

from backend.bundles.networks import _load, save_network, save_state
from backend.models.codes import fit_codes
from backend.models.config import GeneratorConfig
from backend.models.encoder import Encoder, within_codes

CONFIG = GeneratorConfig(
    resolution=16, channel_base=64, channel_max=8, z_dim=8, w_dim=8, mapping_layers=1
)


@pytest.fixture
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(CONFIG, base=8, most=8, taps=8).eval()


@torch.no_grad()
def test_with_all_components_it_says_the_same_and_with_few_what_is_nearest(
    encoder: Encoder, tmp_path: Path
) -> None:
    pictures, w_avg = torch.randn(300, 3, 16, 16), torch.randn(8)
    said = encoder(pictures, w_avg)
    numbers = CONFIG.n_ws * CONFIG.w_dim
    for count in (numbers, 5):
        codes, _ = fit_codes(said, count)
        path = tmp_path / f"{count}.safetensors"
        small = within_codes(encoder, w_avg, codes.mean, codes.basis)
        save_state(small, path, half=False)
        again = _load(Encoder(CONFIG, base=8, most=8, taps=8), path)(pictures, w_avg)
        unit = torch.nn.functional.normalize(codes.basis.flatten(1), dim=1)
        offsets = (said - codes.mean).flatten(1)
        nearest = codes.mean + (offsets @ unit.t() @ unit).unflatten(1, codes.mean.shape)
        assert torch.allclose(again, nearest, atol=1e-4)
        if count == numbers:
            assert torch.allclose(again, said, atol=1e-4)
    save_network(encoder, tmp_path / "whole.safetensors", half=False)
    whole, few = (tmp_path / f"{name}.safetensors" for name in ("whole", "5"))
    assert few.stat().st_size < 0.7 * whole.stat().st_size
