"""The built-in bundle's perceptual and identity networks on a real portrait."""

import warnings
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.bundles import find_bundle
from backend.bundles.networks import load_identity, load_perceptual
from backend.models.identity import FaceNet, MobileFaceNet
from backend.models.perceptual import LpipsFeatures, feature_distance
from backend.photos.align import extract
from backend.photos.detect import FaceDetector
from backend.photos.folder import read_rgb


@pytest.fixture(scope="module")
def face() -> Tensor:
    """The shipped portrait's crop, (1, 3, 128, 128)."""
    photo = read_rgb(Path("assets/portrait.png"))
    crop, _ = extract(photo, FaceDetector().find(photo)[0].frame, 128)
    return torch.from_numpy(crop).permute(2, 0, 1)[None]


def blurred(image: Tensor, size: int) -> Tensor:
    return F.interpolate(F.interpolate(image, size=size, mode="area"), size=image.shape[-1])


def test_perceptual_distance_grows_with_damage(face: Tensor) -> None:
    network = load_perceptual(find_bundle("faces"))

    def distance(other: Tensor) -> float:
        return float(feature_distance(network.features(face), network.features(other)))

    assert distance(face) == 0
    assert 0 < distance(blurred(face, 64)) < distance(blurred(face, 32))


def test_identity_survives_mirroring_and_small_size_but_not_another_face(face: Tensor) -> None:
    network = load_identity(find_bundle("faces"))
    assert isinstance(network, MobileFaceNet)
    person = network.embed(face)
    torch.testing.assert_close(person.norm(dim=1), torch.ones(1))
    assert float((person * network.embed(face.flip(3))).sum()) > 0.8
    assert float((person * network.embed(F.interpolate(face, size=64, mode="area"))).sum()) > 0.8
    assert float((person * network.embed(face.flip(2))).sum()) < 0.5


@pytest.fixture
def weights(home: Path) -> Path:
    """Where a user puts large weights."""
    (home / "weights").mkdir()
    return home / "weights"


def test_lpips_is_used_where_vgg_weights_lie(face: Tensor, weights: Path) -> None:
    from lpips import LPIPS
    from torchvision.models import vgg16

    torch.manual_seed(0)
    vgg = vgg16(weights=None)
    torch.save(vgg.state_dict(), weights / "vgg16.pth")
    network = load_perceptual(find_bundle("faces"))
    assert isinstance(network, LpipsFeatures) and network.name == "LPIPS (VGG)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # lpips calls torchvision's old signature
        reference = LPIPS(net="vgg", pnet_rand=True, verbose=False)
    for part, other in zip(_slices(reference.net), _slices(network.network.net), strict=True):
        part.load_state_dict(other.state_dict())
    reference.lins.load_state_dict(network.network.lins.state_dict())
    other_face = blurred(face, 32)
    with torch.no_grad():
        ours = feature_distance(network.features(face), network.features(other_face))
        theirs = reference(face, other_face)
    torch.testing.assert_close(ours, theirs.flatten(), rtol=1e-3, atol=1e-6)


def _slices(network: nn.Module) -> list[nn.Module]:
    return [getattr(network, f"slice{i}") for i in range(1, 6)]


def test_facenet_is_used_where_its_weights_lie(face: Tensor, weights: Path) -> None:
    from facenet_pytorch import InceptionResnetV1

    torch.manual_seed(0)
    original = InceptionResnetV1(pretrained=None, classify=False)
    torch.save(original.state_dict(), weights / "20180402-114759-vggface2.pt")
    network = load_identity(find_bundle("faces"))
    assert isinstance(network, FaceNet) and "VGGFace2" in network.name
    embedding = network.embed(face)
    assert embedding.shape == (1, 512)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(1))
