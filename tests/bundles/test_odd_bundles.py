"""Bundles whose description is odd: told by name, and everything else goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.bundles import find_bundle, read_bundle
from backend.errors import BadBundle
from backend.models.config import GeneratorConfig
from backend.session.installed_bundles import InstalledBundles
from protocol.messages import BundleInfo
from protocol.paths import bundles_dir
from protocol.typed import from_wire, to_wire

SOUND: dict[str, Any] = json.loads((find_bundle("faces").folder / "bundle.json").read_text())
ODD: dict[str, dict[str, Any]] = {
    "groups": {"groups": []},
    "title": {"title": 5},
    "long title": {"title": "x" * 201},
    "two lines": {"title": "a\nb"},
    "license": {"license": []},
    "long license": {"license": "x" * 20_001},
    "resolution": {"generator": {"resolution": "x"}},
    "no power of two": {"generator": {"resolution": 100}},
    "huge resolution": {"generator": {"resolution": 1 << 30}},
    "negative resolution": {"generator": {"resolution": -4}},
    "w_dim": {"generator": {"w_dim": 10**6}},
    "mapping layers": {"generator": {"mapping_layers": 10**7}},
    "clamp": {"generator": {"conv_clamp": -1.0}},
    "channel table": {"generator": {"channel_table": [1, 2]}},
    "5000 parts": {"parts": SOUND["parts"][:1] * 5000},
    "a part's name": {"parts": [{"name": "a" * 201, "color": [1, 2, 3]}]},
    "a part's color": {"parts": [{"name": "a", "color": [1, 2, 256]}]},
    "files outside": {"files": {"../../generator.safetensors": "0" * 64}},
    "files": {"files": ["generator.safetensors"]},
    "sha": {"files": {"generator.safetensors": "0"}},
    "format": {"format": "1"},
    "newer": {"format": 2},
    "images seen": {"images_seen": 1e300},
    "surrogate": {"title": "\ud800"},
}


def odd_bundle(text: str) -> Path:
    folder = bundles_dir() / "odd"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").write_text(text)
    return folder


def problem() -> str:
    """What is said of the odd bundle; the others are ready, and all fit into a message."""
    catalogue = InstalledBundles()
    assert catalogue.ready()[:3] == ["cars", "cats", "faces"]
    described = {one.name: one for one in catalogue.describe()}
    from_wire(BundleInfo, to_wire(described["odd"], []), (), "odd")
    return described["odd"].problem


@pytest.mark.parametrize("name", ODD)
def test_odd_values(home: Path, name: str) -> None:
    folder = odd_bundle(json.dumps({**SOUND, **ODD[name]}))
    with pytest.raises(BadBundle):
        read_bundle(folder)
    assert "odd" in problem()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "[" * 100_000, '{"a":' * 100_000, '{"format": 1, "images_seen":1e999}'],
)
def test_odd_texts(home: Path, text: str) -> None:
    folder = odd_bundle(text)
    with pytest.raises(BadBundle):
        read_bundle(folder)
    assert str(folder) in problem()


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)


@pytest.mark.parametrize("make", [_fifo, _device, Path.mkdir, _sparse])
@pytest.mark.parametrize("file", ["bundle.json", "samples.jpg", "preview.webp"])
def test_odd_files(home: Path, make: Callable[[Path], object], file: str) -> None:
    folder = odd_bundle(json.dumps({**SOUND, "name": "odd"}))
    (folder / file).unlink(missing_ok=True)
    make(folder / file)
    assert bool(problem()) == (file == "bundle.json")
    assert InstalledBundles().picture("odd") is None


def test_names_that_no_message_holds_are_left_out(home: Path) -> None:
    bundles_dir().mkdir()
    for name in (b"caf\xe9", b"two\nlines"):
        folder = os.path.join(os.fsencode(bundles_dir()), name)
        os.mkdir(folder)
        Path(os.fsdecode(folder), "bundle.json").write_text("{}")
    assert InstalledBundles().names() == ["cars", "cats", "faces"]


def test_fields_of_a_later_version_are_left_aside(home: Path) -> None:
    folder = odd_bundle(json.dumps({**SOUND, "tomorrow": [1]}))
    assert read_bundle(folder).title == "Faces"


def test_a_description_that_changes_is_read_anew(home: Path) -> None:
    odd_bundle("[]")
    assert problem()
    odd_bundle(json.dumps(SOUND))
    assert InstalledBundles().ready() == ["cars", "cats", "faces", "odd"]


@pytest.mark.parametrize(
    "change",
    [{"resolution": 0}, {"channel_base": 0}, {"channel_max": 0}, {"z_dim": 10**6},
     {"mapping_layers": 0}, {"conv_clamp": float("nan")}],
)  # fmt: skip
def test_shapes_that_no_generator_has(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        GeneratorConfig(**change)
