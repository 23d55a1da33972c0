import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save, save_file

from backend.bundles import find_bundle, list_bundles, read_bundle
from backend.bundles.bundle import file_sha, write_bundle_json
from backend.bundles.networks import load_networks
from backend.errors import BadBundle, UnknownBundle, UnknownPart
from protocol.paths import bundles_dir


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the built-in bundle to spoil."""
    return Path(shutil.copytree(find_bundle("faces").folder, tmp_path / "copy"))


def test_the_built_in_bundle_is_whole() -> None:
    bundle = find_bundle("faces")
    assert bundle.verify() == []
    assert bundle.resolution >= 64 and bundle.domain == "faces"
    assert "non-commercial" in bundle.license.lower()
    size = sum(f.stat().st_size for f in bundle.folder.iterdir())
    assert size < 60e6


def test_networks_fit_and_are_frozen() -> None:
    networks = load_networks(find_bundle("faces"), torch.device("cpu"))
    for network in (networks.generator, networks.segmentation, networks.encoder):
        assert not network.training
        assert not any(p.requires_grad for p in network.parameters())
    assert networks.identity is not None


def test_writing_and_reading_agree(copy: Path) -> None:
    bundle = read_bundle(copy)
    assert write_bundle_json(bundle) == bundle


def test_part_names_are_checked() -> None:
    with pytest.raises(UnknownPart, match="no part 'wheel'; it has background"):
        find_bundle("faces").part("wheel")


def test_an_unknown_bundle_names_the_known_ones() -> None:
    with pytest.raises(UnknownBundle, match=r"no model 'boats'.*faces"):
        find_bundle("boats")


def test_a_users_bundle_is_found(home: Path, copy: Path) -> None:
    shutil.copytree(copy, bundles_dir() / "mine")
    assert "mine" in list_bundles()
    assert find_bundle("mine").sha == find_bundle("faces").sha


@pytest.mark.parametrize(
    "spoil", [lambda d: d.pop("parts"), lambda d: d.update(format=99), lambda d: d.update(files={})]
)
def test_unsound_descriptions_are_refused(copy: Path, spoil) -> None:
    data = json.loads((copy / "bundle.json").read_text())
    spoil(data)
    (copy / "bundle.json").write_text(json.dumps(data))
    with pytest.raises(BadBundle):
        read_bundle(copy)


def test_a_changed_file_is_noticed(copy: Path) -> None:
    path = copy / "encoder.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (copy / "identity.safetensors").unlink()
    assert set(read_bundle(copy).verify()) == {"encoder.safetensors", "identity.safetensors"}


def test_damaged_weights_are_refused(copy: Path) -> None:
    (copy / "generator.safetensors").write_bytes(b"no weights")
    write_bundle_json(read_bundle(copy))
    with pytest.raises(BadBundle, match="belong there"):
        load_networks(read_bundle(copy), torch.device("cpu"))


@pytest.mark.parametrize("network", ["perceptual", "identity"])
def test_damaged_measuring_networks_are_refused(copy: Path, network: str) -> None:
    path = copy / f"{network}.safetensors"
    for damaged in (b"no weights", save({"features.0.weight": torch.zeros(3)})):
        path.write_bytes(damaged)
        write_bundle_json(read_bundle(copy))
        with pytest.raises(BadBundle, match=rf"{network}.*belong there"):
            load_networks(read_bundle(copy), torch.device("cpu"))


def test_weights_of_another_shape_or_not_finite_are_refused(copy: Path) -> None:
    path = copy / "generator.safetensors"
    state = load_file(path)
    save_file(state | {"w_avg": torch.full_like(state["w_avg"], float("nan"))}, path)
    write_bundle_json(read_bundle(copy))
    with pytest.raises(BadBundle, match="not finite"):
        load_networks(read_bundle(copy), torch.device("cpu"))
    save_file(state | {"w_avg": torch.zeros(3)}, path)
    write_bundle_json(read_bundle(copy))
    with pytest.raises(BadBundle, match="belong there"):
        load_networks(read_bundle(copy), torch.device("cpu"))


@pytest.mark.parametrize("network", ["generator", "segmentation", "encoder", "identity"])
def test_weights_that_changed_by_one_byte_are_refused(copy: Path, network: str) -> None:
    path = copy / f"{network}.safetensors"
    sound = path.read_bytes()
    assert read_bundle(copy).checked_path(network) == path
    path.write_bytes(sound[:-5] + bytes([sound[-5] ^ 1]) + sound[-4:])
    with pytest.raises(BadBundle, match=rf"{network}.*sha256"):
        read_bundle(copy).checked_path(network)
    path.write_bytes(sound)
    assert read_bundle(copy).checked_path(network) == path


def test_a_changed_generator_is_not_loaded(copy: Path) -> None:
    path = copy / "generator.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadBundle, match="sha256"):
        load_networks(read_bundle(copy), torch.device("cpu"))


def test_a_file_is_hashed_once(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Path] = []
    monkeypatch.setattr(
        "backend.bundles.bundle.file_sha", lambda path: hashed.append(path) or file_sha(path)
    )
    for _ in range(3):
        read_bundle(copy).checked_path("encoder")
    assert len(hashed) == 1
