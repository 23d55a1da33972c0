"""`editgan import` and what can be done with a model that has a generator only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import write_nvidia
from cli_harness import Outcome, Run
from PIL import Image
from stylegan_reference import Generator as Original

from backend.bundles import find_bundle
from backend.bundles.importing import install as installing
from backend.models.generator import sample_z
from backend.photos.files import read_photo


@pytest.fixture
def original() -> Original:
    torch.manual_seed(4)
    return Original(channels=(16, 16, 16, 8)).eval().requires_grad_(False)


@pytest.fixture
def checkpoint(tmp_path: Path, original: Original) -> Path:
    write_nvidia(tmp_path / "network-snapshot.pkl", original)
    return tmp_path / "network-snapshot.pkl"


@pytest.fixture
def own(run: Run, home: Path) -> Iterator[Run]:
    """Commands with a folder of bundles of this test's own (not the shared one)."""
    (home / "bundles").unlink()
    yield run


def test_the_imported_model_draws_the_originals_pictures(
    own: Run, checkpoint: Path, original: Original, tmp_path: Path
) -> None:
    done = own("import", checkpoint, "--bundle", "ffhq", "--json")
    assert done.code == 0, done.err
    assert done.json["missing"] == ["encoder", "segmentation"]
    grid = tmp_path / "grid.png"
    sample = ("sample", "--bundle", "ffhq", "--seed", 7, "--count", 1, "--truncation", 0.6)
    assert own(*sample, "-o", grid).code == 0
    wanted = original(sample_z(find_bundle("ffhq").config, [7]), psi=0.6)[0].permute(1, 2, 0)
    levels = ((wanted.clamp(-1, 1) + 1) * 127.5).numpy()
    assert np.abs(read_photo(grid).pixels - levels).max() < 0.52  # rounding


def test_a_model_without_parts_says_what_is_missing(
    own: Run, checkpoint: Path, photo: Path, tmp_path: Path
) -> None:
    told = own("import", checkpoint, "--bundle", "ffhq", "--title", "FFHQ").out
    assert "docs/bundles.md" in told
    segment = own("segment", photo, "--bundle", "ffhq", "-o", tmp_path / "parts.png")
    assert segment.code == 2
    assert "not yet an encoder and parts" in segment.err and "editgan train encoder" in segment.err
    assert "ffhq: 32 pixels, no encoder and no segmentation yet" in own("bundles").out
    doctor = own("doctor")
    assert "NOTE    networks: ffhq has no encoder and no segmentation yet" in doctor.out


def test_nothing_is_replaced_unasked(own: Run, checkpoint: Path, home: Path) -> None:
    again = ("import", checkpoint, "--bundle", "mine")
    assert own(*again, "--title", "First").code == 0
    refused = own(*again, "--title", "Second")
    assert refused.code == 2 and "--overwrite" in refused.err
    assert find_bundle("mine").title == "First"
    assert own(*again, "--title", "Second", "--overwrite").code == 0
    assert find_bundle("mine").title == "Second" and find_bundle("mine").verify() == []
    builtin = own("import", checkpoint, "--bundle", "faces", "--overwrite")
    assert builtin.code == 2 and "built-in" in builtin.err


def test_a_failure_leaves_the_old_model_and_nothing_else(
    own: Run, checkpoint: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own("import", checkpoint, "--bundle", "mine", "--title", "First").code == 0

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(installing, "_write_preview", full)
    failed = own("import", checkpoint, "--bundle", "mine", "--overwrite")
    assert failed.code == 2 and "No space left" in failed.err
    assert find_bundle("mine").title == "First"
    assert [path.name for path in (home / "bundles").iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["../evil", "", "a b", "con"])
def test_names_that_cannot_be(own: Run, checkpoint: Path, name: str) -> None:
    refused = own("import", checkpoint, "--bundle", name)
    assert refused.code == 2 and "not a bundle name" in refused.err


def test_a_file_that_is_no_checkpoint(own: Run, photo: Path, home: Path) -> None:
    refused: Outcome = own("import", photo, "--bundle", "mine", "--json")
    assert refused.code == 2
    assert refused.json["error"]["code"] == "bad_checkpoint"
    assert "a PNG picture" in refused.json["error"]["message"]
    assert not (home / "bundles" / "mine").exists()


def test_the_description_is_readable(own: Run, checkpoint: Path, home: Path) -> None:
    own("import", checkpoint, "--bundle", "mine", "--domain", "faces", "--license", "CC0")
    description = json.loads((home / "bundles" / "mine" / "bundle.json").read_text())
    assert description["generator"] == {
        "resolution": 32, "channel_base": 256, "channel_max": 16, "z_dim": 16, "w_dim": 12,
        "mapping_layers": 2, "conv_clamp": None, "channel_table": None,
        "const_size": [4, 4],
    }  # fmt: skip
    assert (description["crop"], description["license"]) == ("ffhq", "CC0")
    assert "network-snapshot.pkl" in description["source"]
    assert {"perceptual.safetensors", "identity.safetensors"} <= set(description["files"])


def write_labelled(folder: Path, count: int) -> None:
    """Pictures of a bright disc, their label maps and the card that names the two parts."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    pictures = []
    for number in range(count):
        disc = (x - 16) ** 2 + (y - 16) ** 2 < rng.integers(30, 120)
        picture = np.where(disc[..., None], rng.integers(128, 255, 3), 20).astype(np.uint8)
        pictures.append(picture)
        Image.fromarray(picture).save(folder / f"{number}.png")
        Image.fromarray(disc.astype(np.uint8)).save(folder / f"{number}_parts.png")
    np.save(folder / "images.npy", np.stack(pictures))
    (folder / "names.json").write_text(json.dumps([f"discs/{i}" for i in range(count)]))
    (folder / "classes.json").write_text('["rest", "disc"]')
    parts = [{"name": "rest", "color": [9, 9, 9]}, {"name": "disc", "color": [200, 90, 9]}]
    card = {"title": "Discs", "domain": "discs", "crop": "square", "parts": parts}
    card |= {"large_parts": ["rest"], "groups": {"disc": ["disc"]}, "license": "", "source": ""}
    (folder / "card.json").write_text(json.dumps(card))


def test_from_a_checkpoint_to_a_model_that_opens_photos(
    own: Run, checkpoint: Path, photo: Path, home: Path, tmp_path: Path
) -> None:
    """The way that docs/bundles.md describes."""
    folder, discs = home / "bundles" / "discs", tmp_path / "discs"
    discs.mkdir()
    write_labelled(discs, 6)
    assert own("import", checkpoint, "--bundle", "discs").code == 0
    parts = ("train", "segmentation", "--bundle", folder, "--images", discs, "--steps", 4)
    parts += ("--held-back", 1, "--embedding-steps", 1)
    early = own(*parts, "--card", discs / "card.json")
    assert early.code == 2 and "editgan train encoder" in early.err

    encoder = ("train", "encoder", "--bundle", folder, "--images", discs, "--batch", 2)
    done = own(*encoder, "--samples", 1, "--run", tmp_path / "run", "--until", 4)
    assert done.code == 0, done.err
    assert "no segmentation yet" in own("bundles").out

    nameless = own(*parts)
    assert nameless.code == 2 and "--card" in nameless.err
    done = own(*parts, "--card", discs / "card.json")
    assert done.code == 0, done.err
    bundle = find_bundle("discs")
    assert bundle.missing == [] and [part.name for part in bundle.parts] == ["rest", "disc"]
    done = own("segment", photo, "--bundle", "discs", "-o", tmp_path / "p.png", "--level", "fast")
    assert done.code == 0, done.err
