"""`editgan label`: from a generator without parts to a branch, by its own samples alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_harness import Run
from PIL import Image

from backend.bundles.bundle import read_bundle, write_bundle_json

PARTS = [{"name": "dark", "color": [20, 20, 60]}, {"name": "light", "color": [250, 240, 200]}]
CARD = {
    "title": "Blots", "domain": "test squares", "crop": "square", "parts": PARTS,
    "large_parts": ["dark"], "groups": {}, "license": "CC0", "source": "random numbers",
}  # fmt: skip


@pytest.fixture
def without_parts(run: Run, home: Path, bundles: Path) -> Path:
    """The test model as its generator came: no parts, and no encoder to open photos with."""
    (home / "bundles").unlink()
    bundle = home / "bundles/tiny"
    shutil.copytree(bundles / "tiny", bundle, symlinks=True)
    for name in ("segmentation", "encoder"):
        (bundle / f"{name}.safetensors").unlink()
    write_bundle_json(replace(read_bundle(bundle), parts=(), groups={}, large=()))
    return bundle


@pytest.fixture
def card(tmp_path: Path) -> Path:
    (tmp_path / "mine.json").write_text(json.dumps(CARD))
    return tmp_path / "mine.json"


def paint(labels: Path) -> None:
    """What a user paints in GIMP on every map: the palette's second part where it is light."""
    for path in labels.glob("*_parts.png"):
        photo = np.array(Image.open(path.with_name(path.name.replace("_parts", ""))).convert("L"))
        with Image.open(path) as picture:
            assert picture.mode == "P" and picture.getpalette()[:6] == [20, 20, 60, 250, 240, 200]
            picture.putdata((photo > np.median(photo)).astype(np.uint8).ravel().tolist())
            picture.save(path)


def test_a_generator_gets_parts_without_a_photo(
    run: Run, without_parts: Path, card: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"
    label = ("label", labels, "--bundle", without_parts.name)
    report = run(*label, "--card", card, "--count", 5, "--json").json
    assert len(report["maps"]) == 5 and report["uncertainty"] == []
    assert all((np.array(Image.open(path)) == 255).all() for path in report["maps"])
    train = ("train", "segmentation", "--bundle", without_parts.name, "--images", labels)
    train += ("--card", labels / "card.json", "--held-back", 1, "--steps", 150)
    nothing = run(*train)
    assert nothing.code == 2 and "Nothing is painted" in nothing.err
    paint(labels)
    found = run(*train, "--json").json
    assert found["pictures"] == found["samples"] == 5 and found["mean_iou"] > 0.5
    # the next ones: those that the branch knows least, drawn as it sees them
    more = run(*label, "--count", 2, "--candidates", 6, "--json").json
    assert more["looked_at"] == 6 and len(more["uncertainty"]) == 2
    assert more["uncertainty"] == sorted(more["uncertainty"], reverse=True)
    assert not {Path(p).name for p in more["maps"]} & {Path(p).name for p in report["maps"]}
    assert all(set(np.unique(np.array(Image.open(path)))) == {0, 1} for path in more["maps"])


def test_a_label_set_stays_what_it_began_as(
    run: Run, without_parts: Path, card: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"
    label = ("label", labels, "--bundle", without_parts.name, "--count", 1)
    missing = run(*label)
    assert missing.code == 2 and "--template" in missing.err
    assert run(*label, "--template", "cats-16").code == 0
    other = run(*label, "--card", card)
    assert other.code == 2 and "names other parts already" in other.err
    codes = labels / "codes.safetensors"
    codes.write_bytes(
        codes.read_bytes().replace(read_bundle(without_parts).sha.encode(), b"0" * 64)
    )
    foreign = run(*label)
    assert foreign.code == 2 and "Another generator drew the samples" in foreign.err


@pytest.mark.parametrize(
    ("name", "count"),
    [("faces-34", 34), ("cars-20", 20), ("cars-32", 32), ("birds-11", 11), ("cats-16", 16)],
)
def test_templates_have_the_papers_numbers_of_parts(
    run: Run, without_parts: Path, tmp_path: Path, name: str, count: int
) -> None:
    labels = tmp_path / "labels"
    run("label", labels, "--bundle", without_parts.name, "--count", 1, "--template", name)
    card = json.loads((labels / "card.json").read_text())
    names = [part["name"] for part in card["parts"]]
    assert len(set(names)) == len({tuple(p["color"]) for p in card["parts"]}) == count
    assert names[0] == "background"
    assert {n for group in card["groups"].values() for n in group} <= set(names)
