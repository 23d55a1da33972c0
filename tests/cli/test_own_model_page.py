"""docs/own-model.md is followed to the letter: its commands, one after the other, in an empty data
folder, with small files under the page's names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import write_nvidia
from cli_harness import Run
from PIL import Image
from stylegan_reference import Generator as Original

from backend.bundles import find_bundle
from backend.bundles.registry import list_bundles
from backend.training.adopting import own_samples

PAGE = Path(__file__).resolve().parents[2] / "docs/own-model.md"
COMMANDS = re.findall(r"^ {4}((?:editgan|python) .*)$", PAGE.read_text(encoding="utf-8"), re.M)
CHECKPOINTS = {word for line in COMMANDS for word in line.split() if word.endswith(".pkl")}
# The files of `benchmarks/stranger.py`, adopted for the figures of the page.
MEASURED = re.compile(r"\b(?:former|present)\b")

# What makes a command small. argparse takes the last of an option's values.
SMALLER = {
    "adopt": "--encoder-images 4 --batch 4 --labelled 8 --heads-steps 4 --device cpu",
    "train segmentation": "--steps 4",
    "train presets": "--photos 1 --others 0 --steps 1",
}


def smaller(line: str) -> list[str]:
    words = shlex.split(line)[1:]
    for command, options in SMALLER.items():
        if words[: len(command.split())] == command.split():
            return words + options.split()
    return words


@pytest.fixture
def folder(run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where somebody works: checkpoints and photos, and no model yet."""
    (home / "bundles").unlink()
    monkeypatch.setattr(own_samples, "_HELD_OUT", range(900_000, 900_002))
    torch.manual_seed(4)
    original = Original(channels=(16, 16, 16, 8)).eval().requires_grad_(False)
    for name in CHECKPOINTS:
        write_nvidia(tmp_path / name, original)
    (tmp_path / "photos").mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "photos/1.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paint(labels: Path) -> None:
    """What somebody paints on every map: the second part where the picture is light."""
    for path in labels.glob("*_parts.png"):
        light = np.array(Image.open(path.with_name(path.name.replace("_parts", ""))).convert("L"))
        with Image.open(path) as picture:
            picture.putdata((light > np.median(light)).astype(np.uint8).ravel().tolist())
            picture.save(path)


def test_every_command_of_the_page_does_what_comes_next(run: Run, folder: Path) -> None:
    followed = 0
    for line in COMMANDS:
        if line.startswith("python ") or MEASURED.search(line):
            continue  # a measurement that the page reports; see test_docs.py for these
        done = run(*smaller(line))
        assert done.code == 0, f"{line}\n{done.err}"
        followed += 1
        for maps in {path.parent for path in folder.glob("*/*_parts.png")}:
            paint(maps)
    assert followed >= 8
    cars = find_bundle("car")
    assert cars.missing == [] and cars.domain == "cars"
    assert len(cars.parts) == 20, "the parts that were painted, not those of the built-in cars"
    assert {"ffhq", "mine", "car"} <= set(list_bundles())
    assert find_bundle("ffhq").missing == ["segmentation"]  # of no subject that is known
    assert (folder / "sheet.png").is_file() and (folder / "samples.png").is_file()
