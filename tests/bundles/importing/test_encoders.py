"""Encoders that come with a generator give the codes that they gave where they were trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from checkpoint_layouts import write_psp
from encoder_reference import GradualStyleEncoder
from importing_checks import check_same_pictures, original, refusal
from stylegan_reference import Generator

from backend.bundles.importing import read_checkpoint
from backend.bundles.importing.install import install
from backend.bundles.importing.read import read_here
from backend.bundles.networks import load_encoder, load_generator

pytestmark = pytest.mark.usefixtures("forked")


@pytest.fixture
def generator() -> Generator:
    return original(z_dim=128, w_dim=128, channels=(16, 16, 8, 8))


@pytest.mark.parametrize("kind", ["Encoder4Editing", "GradualStyleEncoder"])
def test_psp_and_e4e(tmp_path: Path, generator: Generator, kind: str) -> None:
    state = write_psp(tmp_path / "a.pt", generator, kind)
    found = read_checkpoint(tmp_path / "a.pt")
    check_same_pictures(found, generator, psi=0.5)
    folder = tmp_path / "mine"
    bundle = install(
        found, folder, title="Mine", domain="other", license="", source="", progress=lambda _: None
    )
    assert bundle.missing == ["segmentation"]
    reference = GradualStyleEncoder(16, 8).eval()
    reference.load_state_dict(state)
    picture = torch.rand(2, 3, 32, 32) * 2 - 1
    large = F.interpolate(picture, size=256, mode="bilinear", align_corners=False)
    with torch.no_grad():
        wanted = reference(large, e4e=kind == "Encoder4Editing") + generator.mapping.w_avg
        codes = load_encoder(bundle)(picture, load_generator(bundle).w_avg)
    assert wanted.std() > 0.05
    assert (codes - wanted).abs().max() < 0.02 * wanted.std()  # weights in half precision


@pytest.mark.parametrize("kind", ["BackboneEncoderUsingLastLayerIntoWPlus", None])
def test_encoders_of_other_kinds_are_left_out(
    tmp_path: Path, generator: Generator, kind: str | None
) -> None:
    write_psp(tmp_path / "a.pt", generator, kind or "GradualStyleEncoder")
    content = torch.load(tmp_path / "a.pt")
    content["opts"]["encoder_type"] = kind
    torch.save(content, tmp_path / "a.pt")
    found = read_here(tmp_path / "a.pt")
    assert found.encoder is None and "only the generator was taken" in found.notes[-1]


def test_encoders_that_do_not_fit(tmp_path: Path, generator: Generator) -> None:
    write_psp(tmp_path / "a.pt", generator, "Encoder4Editing")
    content = torch.load(tmp_path / "a.pt")
    state = content["state_dict"]
    state["encoder.latlayer1.bias"][0] = float("nan")
    torch.save(content, tmp_path / "b.pt")
    assert "not finite" in refusal(tmp_path / "b.pt")
    content["state_dict"] = {k: v for k, v in state.items() if "encoder.styles.7" not in k}
    torch.save(content, tmp_path / "c.pt")
    assert "7 codes, its generator wants 8" in refusal(tmp_path / "c.pt")
    del state["encoder.latlayer2.weight"]
    torch.save({**content, "state_dict": state}, tmp_path / "d.pt")
    assert "encoder is damaged" in refusal(tmp_path / "d.pt")
