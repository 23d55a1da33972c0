"""EditGAN's release: one folder becomes one model, with the numbers that it had."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import write_rosinality
from encoder_reference import FPNEncoder
from importing_checks import imported, original
from stylegan_reference import Generator
from torch import Tensor, nn

from backend.bundles.importing import BadCheckpoint
from backend.bundles.importing.install import install
from backend.bundles.importing.release import changed_parts, read_release
from backend.bundles.networks import load_encoder
from backend.session.release import add_release
from edit_library.library import Library
from protocol.paths import library_dir

pytestmark = pytest.mark.usefixtures("forked")
CLASSES, HEADS = 5, 3


class PixelClassifier(nn.Module):
    """DatasetGAN's: Linear, ReLU, batch norm."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dim, 128), nn.ReLU(), nn.BatchNorm1d(128),
            nn.Linear(128, 32), nn.ReLU(), nn.BatchNorm1d(32), nn.Linear(32, CLASSES),
        )  # fmt: skip
        for norm in (self.layers[2], self.layers[5]):
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.3, 2)
            nn.init.uniform_(norm.weight, 0.5, 2)
            nn.init.normal_(norm.bias)

    def forward(self, rows: Tensor) -> Tensor:
        return self.layers(rows)


def write_release(folder: Path, generator: Generator) -> list[PixelClassifier]:
    for name in ("stylegan_pretrain", "encoder_pretrain/testing_embedding", "datasetgan_pretrain"):
        (folder / name).mkdir(parents=True)
    write_rosinality(folder / "stylegan_pretrain" / "car.pt", generator)
    dim = sum(imported(_checkpoint(folder)).config.feature_channels)
    torch.manual_seed(2)
    heads = [PixelClassifier(dim).eval() for _ in range(HEADS)]
    for i, head in enumerate(heads):
        state = {f"module.{k}": v for k, v in head.state_dict().items()}
        path = folder / "datasetgan_pretrain" / f"car_model_{i}.pth"
        torch.save({"model_state_dict": state}, path)
    encoder = FPNEncoder(8, 16, 10)
    torch.save({"model_state_dict": encoder.state_dict()}, folder / "encoder_pretrain/BEST.pth")
    rng = np.random.default_rng(0)
    (folder / "editing_vectors").mkdir()
    vector = rng.normal(size=(1, 10, 16)).astype(np.float32)
    np.save(folder / "editing_vectors" / "wheel_enlarge.npy", 5 * vector)
    np.save(folder / "encoder_pretrain/testing_embedding/latents_image_0.npy", vector)
    cache = {"edit_vector": vector[0], "roi_ids": [3, 4]}
    (folder / "current_editing.pickle").write_bytes(pickle.dumps(cache))
    return heads


def _checkpoint(folder: Path):
    from backend.bundles.importing.read import read_here

    return read_here(folder / "stylegan_pretrain" / "car.pt")


@torch.no_grad()
def published_logits(heads: list[PixelClassifier], features: list[Tensor], side: int) -> Tensor:
    """Features upsampled, concatenated and read pixel by pixel, as the release does it."""
    large = [
        nn.functional.interpolate(f, size=side, mode="bilinear", align_corners=False)
        for f in features
    ]
    rows = torch.cat(large, dim=1)[0].flatten(1).t()
    return torch.stack([head(rows) for head in heads]).mean(dim=0)


def test_the_whole_release(tmp_path: Path, home: Path) -> None:
    generator = original(z_dim=16, w_dim=16, channels=(16, 8, 8, 8, 4))
    heads = write_release(tmp_path / "checkpoint", generator)
    found = read_release(tmp_path / "checkpoint")
    ours = imported(found.checkpoint)
    with torch.no_grad():
        code = ours.map(torch.randn(1, 16))
        _, features = ours(code)
        logits = found.branch.logits(features)
    wanted = published_logits(heads, features, 64)
    assert wanted.std() > 0.5
    assert (logits - wanted).abs().max() < 1e-5 * wanted.abs().max()
    assert set(found.vectors) == {"wheel_enlarge", "current_editing"}

    about = {"title": "Cars", "domain": "cars", "license": "", "source": ""}
    bundle = install(found.checkpoint, home / "bundles/car", **about, progress=lambda _: None)
    assert add_release(found, bundle, None) == ["wheel_enlarge", "current_editing"]
    edit = Library(library_dir()).get("car", "wheel_enlarge")
    assert np.array_equal(edit.vector, found.vectors["wheel_enlarge"])
    changed = changed_parts(ours, found.branch, edit.vector)
    assert edit.info.parts == tuple(f"part {i}" if i else "background" for i in changed)

    reference = FPNEncoder(8, 16, 10).eval()
    state = torch.load(tmp_path / "checkpoint/encoder_pretrain/BEST.pth")["model_state_dict"]
    reference.load_state_dict(state)
    picture = torch.rand(1, 3, 64, 64) * 2 - 1
    large = nn.functional.interpolate(picture, size=512, mode="bilinear", antialias=True)
    with torch.no_grad():
        codes, wanted = load_encoder(bundle)(picture, ours.w_avg), reference(large)
    assert wanted.std() > 0.01
    assert (codes - wanted).abs().max() < 0.05 * wanted.std()  # weights in half precision


def test_what_does_not_belong_together(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    write_release(folder, original(z_dim=16, w_dim=16, channels=(16, 8, 8, 8, 4)))
    write_rosinality(
        folder / "stylegan_pretrain" / "car.pt", original(z_dim=16, w_dim=16, channels=(16, 8, 8))
    )
    with pytest.raises(BadCheckpoint, match="gives 10 codes instead of 6"):
        read_release(folder)
    (folder / "encoder_pretrain" / "BEST.pth").unlink()
    with pytest.raises(BadCheckpoint, match="belongs to another generator"):
        read_release(folder)
    (folder / "stylegan_pretrain" / "car.pt").unlink()
    with pytest.raises(BadCheckpoint, match="holds 0 generators"):
        read_release(folder)
