"""MaskGAN's network: the map says where things are, the photo how they look."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.bundles import find_bundle
from backend.bundles.bundle import Part
from backend.bundles.networks import load_from, load_mask_network
from backend.cli import main
from backend.models import mask_network
from backend.models.mask_network import MaskNetwork
from backend.models.parser import CLASSES
from backend.models.perceptual import SqueezeNetFeatures
from backend.training.face_parts import SIDE, FaceParts
from backend.training.labelled import UNLABELLED
from backend.training.mask_painting import MaskTrainer, pairs, part_table

BACKGROUND, SKIN, GLASSES, NECK = (
    CLASSES.index(name) for name in ("background", "skin", "eye glasses", "neck")
)


def discs(count: int) -> FaceParts:
    """Discs of one colour each on a ground of another; the left edge is not labelled."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    labels = np.full((count, SIDE, SIDE), BACKGROUND, np.uint8)
    y, x = np.mgrid[:SIDE, :SIDE]
    for image, label in zip(images, labels, strict=True):
        inside = np.hypot(y - rng.integers(150, 230), x - rng.integers(150, 230)) < 90
        image[:] = np.where(inside[..., None], rng.integers(0, 255, 3), rng.integers(0, 255, 3))
        label[inside] = SKIN
    labels[:, :, :60] = UNLABELLED
    return FaceParts(images, labels, tuple(f"{i}" for i in range(count)))


def test_classes_become_the_bundle_s_parts() -> None:
    names = ("background", "skin", "nose")
    table = part_table([Part(name, i, (0, 0, 0)) for i, name in enumerate(names)])
    assert table.shape == (256, 3)
    assert table[SKIN].tolist() == table[NECK].tolist() == [0, 1, 0]
    assert table[CLASSES.index("hair")].tolist() == [1, 0, 0]
    assert table[UNLABELLED].sum() == 0 and table[GLASSES].sum() == 0


def test_two_framings_of_a_photo_make_a_pair() -> None:
    table = part_table([Part(name, i, (0, 0, 0)) for i, name in enumerate(("background", "skin"))])
    photos, parts, pictures, wanted, known = pairs(
        discs(3), np.array([1, 2]), table, 64, np.random.default_rng(0), 4
    )
    assert photos.shape == pictures.shape == (4, 3, 64, 64) and known.shape == (4, 1, 64, 64)
    assert parts.shape == wanted.shape == (4, 2, 64, 64) and known.mean() < 1
    assert not torch.equal(photos, pictures)
    for one, labels in ((photos, parts), (pictures, wanted)):
        disc = labels[:, 1:2].bool()  # one colour each, but for the rim of the warp
        for picture, inside in zip(one, disc, strict=True):
            assert picture[0][inside[0]].std() < 0.2
    same = (photos[0] * parts[0, 1]).sum((1, 2)) / parts[0, 1].sum()
    other = (pictures[0] * wanted[0, 1]).sum((1, 2)) / wanted[0, 1].sum()
    torch.testing.assert_close(same, other, atol=0.05, rtol=0)  # framing leaves colours alone


def test_it_learns_to_follow_the_map_and_resumes_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_network, "_WIDTHS", (16, 32, 48, 64))  # it learns as well, and sooner
    monkeypatch.setattr(mask_network, "_DEEP", 2)
    torch.manual_seed(0)
    table = part_table([Part(name, i, (0, 0, 0)) for i, name in enumerate(("background", "skin"))])
    data = discs(6)

    def trained(trainer: MaskTrainer, first: int, last: int) -> list[float]:
        found = []
        for i in range(first, last):
            rng = np.random.default_rng(i)
            batch = pairs(data, np.arange(6), table, 64, rng, 2)
            found.append(float(trainer.step(batch)["mse"]))
        return found

    perceptual = find_bundle("faces").path("perceptual")
    features = load_from(SqueezeNetFeatures, perceptual)
    trainer = MaskTrainer(2, features, 2e-3, 64)
    photos, parts, _pictures, wanted, known = pairs(
        data, np.arange(6), table, 64, np.random.default_rng(99), 6
    )
    found = trained(trainer, 0, 40)
    assert np.mean(found[-10:]) < 0.75 * np.mean(found[:10])  # single steps go up and down
    again = MaskTrainer(2, features, 2e-3, 64)
    again.restore(copy.deepcopy(trainer.state()))
    assert trained(trainer, 40, 42) == pytest.approx(trained(again, 40, 42))
    assert again.seen == trainer.seen == 84 and again.balance == trainer.balance > 0

    network = trainer.network.eval()
    with torch.no_grad():
        made, moved = network(photos, parts, wanted), network(photos, parts, wanted.roll(16, 3))
    disc = (wanted[:, 1:2] > 0) & (known > 0)
    moved_disc = disc.roll(16, 3)
    far = ((made.roll(16, 3) - moved).abs() * moved_disc).sum() / moved_disc.sum()
    near = ((made - moved).abs() * (disc & ~moved_disc)).sum() / (disc & ~moved_disc).sum()
    assert far < 0.5 * near  # the disc went where the map says


@pytest.mark.parametrize("parts", [3, 15])
def test_weights_of_another_number_of_parts_are_refused(tmp_path: Path, parts: int) -> None:
    from backend.bundles.networks import save_network
    from backend.errors import BadBundle

    save_network(MaskNetwork(parts), tmp_path / "maskgan.safetensors")
    assert load_mask_network(tmp_path / "maskgan.safetensors", parts).parts == parts
    with pytest.raises(BadBundle, match="weights"):
        load_mask_network(tmp_path / "maskgan.safetensors", parts + 1)


def test_a_model_without_a_parser_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "maskgan", "--bundle", "cats", "--images", tmp_path, "--run", tmp_path]
    assert main([str(word) for word in words]) == 2
    assert "face parser" in capsys.readouterr().err
