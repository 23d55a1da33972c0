"""Distances between sets of pictures, and the loader of Inception's weights."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch_fidelity import feature_extractor_inceptionv3 as inception

from backend.bundles import find_bundle
from backend.bundles.networks import load_perceptual
from backend.errors import BadBundle
from backend.evaluation.distances import (
    InceptionSpace,
    PerceptualSpace,
    features_of,
    frechet_distance,
    kernel_distance,
)

CPU = torch.device("cpu")


def test_the_frechet_distance_of_gaussians_is_known() -> None:
    """Means 3 apart in one of four dimensions, twice the deviation: 9 + 4 (2 - 1)^2."""
    torch.manual_seed(0)
    a = torch.randn(20_000, 4).double()
    b = 2 * torch.randn(20_000, 4).double()
    b[:, 0] += 3
    assert frechet_distance(a, b) == pytest.approx(13, rel=0.03)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-4)


def test_the_kernel_distance_grows_with_the_difference() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(200, 8).double(), torch.randn(300, 8).double()
    distances = [kernel_distance(a, b + shift) for shift in (0.0, 0.5, 1.0)]
    assert abs(distances[0]) < 0.2 < distances[1] < distances[2]


def test_features_without_inception_bear_their_network_s_name() -> None:
    space = PerceptualSpace(load_perceptual(find_bundle("faces")))
    assert "SqueezeNet" in space.frechet_name and "FID" not in space.frechet_name
    assert "SqueezeNet" in space.kernel_name and "KID" not in space.kernel_name
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (32, 32, 3), np.uint8) for _ in range(18)]
    found = features_of(space, pictures, CPU)
    assert found.shape == (18, 512)
    alone = features_of(space, pictures[17:], CPU)
    torch.testing.assert_close(found[17:], alone, rtol=1e-4, atol=1e-6)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file like torch-fidelity's, of random numbers."""
    path = tmp_path / "inception.pth"
    with monkeypatch.context() as patch:
        patch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(nn.Module, "load_state_dict", lambda *_: None)
        torch.manual_seed(0)
        network = inception.FeatureExtractorInceptionV3("random", ["2048"])
    torch.save(network.state_dict(), path)
    return path


def test_inception_is_loaded_from_a_local_file(weights: Path) -> None:
    space = InceptionSpace(weights, CPU)
    assert (space.frechet_name, space.kernel_name) == ("FID", "KID")
    pictures = [np.full((32, 32, 3), value, np.uint8) for value in (0, 128)]
    found = features_of(space, pictures, CPU)
    assert found.shape == (2, 2048) and not torch.equal(found[0], found[1])


class Trap:
    """Runs code when it is unpickled by a careless reader."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_a_pickle_in_place_of_weights_is_refused_and_not_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    (tmp_path / "bad.pth").write_bytes(pickle.dumps(Trap(sprung), protocol=2))
    torch.save({"fc.weight": Trap(sprung)}, tmp_path / "worse.pth")
    for name in ("bad.pth", "worse.pth"):
        with pytest.raises(BadBundle, match=f"{name} holds no Inception V3"):
            InceptionSpace(tmp_path / name, CPU)
    assert not sprung.exists()


def test_other_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "other.pth")
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "half.pth")
    for path in (tmp_path / "other.pth", tmp_path / "half.pth", tmp_path / "none.pth"):
        with pytest.raises(BadBundle, match="holds no Inception V3"):
            InceptionSpace(path, CPU)
