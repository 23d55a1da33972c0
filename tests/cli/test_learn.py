"""`editgan learn` on a small real model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_harness import Run

from backend.editing import recipes
from backend.editing.geometry import ScaleShape
from backend.photos.files import write_photo
from backend.photos.photo import Photo

BIGGER = recipes.Recipe("bigger", "Bigger eyes", "Enlarges them.", ("eyes",), ScaleShape(1.6, 1.6))
APPLY = ("apply", "--bundle", "tiny", "--level", "fast")
LEARN = ("learn", "--bundle", "tiny", "--level", "fast", "--recipe", "bigger", "--steps", 2)


@pytest.fixture(autouse=True)
def recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(recipes.RECIPES, "test squares", (BIGGER,))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos and a file that is none."""
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        coarse = rng.integers(0, 255, (8, 8, 3)).astype(np.uint8)
        write_photo(Photo(coarse.repeat(9, axis=0).repeat(9, axis=1)), photos / f"{i}.png")
    (photos / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    return photos


def test_from_a_folder_to_an_edit_in_the_library(run: Run, folder: Path, photo: Path) -> None:
    done = run(*LEARN, "--photos", folder, "--count", 2, "--others", 1, "--json")
    assert done.code == 0, done.err
    report = done.json
    assert (report["edit"], report["photos"], report["others"]) == ("bigger-eyes", 2, 1)
    assert sum(report["represented"].values()) == 3 and report["passed_over"] == []
    assert set(report["represented"]) <= {"well", "roughly", "poorly"}
    assert report["learnt_from"] == 2 and 0 <= report["transfer"] <= 1
    [edit] = run("library", "list", "--bundle", "tiny", "--json").json["edits"]
    assert (edit["title"], edit["learnt_from"], edit["parts"]) == ("Bigger eyes", 2, ["eyes"])
    assert [edit["low"], edit["high"]] == report["range"]
    out = folder / "out.png"
    assert run(*APPLY, photo, "--edit", "bigger-eyes", "-o", out).code == 0
    again = run(*LEARN, "--photos", folder)
    assert again.code == 2 and "--overwrite" in again.err
    told = run(
        *LEARN, "--photos", folder / "0.png", "--seed", 3, "--count", 2, "--name", "Eyes", "--quiet"
    )
    assert told.code == 0, told.err
    assert "'Eyes' is in the library as 'eyes', learned from 2 of 2 pictures." in told.out
    more = run(*LEARN, "--photos", folder, "--name", "All", "--json").json
    assert more["photos"] == 4
    [passed] = more["passed_over"]
    assert passed.startswith("torn.jpg is damaged or cut short")
    assert "On each, learned from the rest, " in told.out and "looks best between" in told.out


def test_nothing_to_learn_from(run: Run, folder: Path) -> None:
    for path in folder.glob("*.png"):
        path.write_text("no picture")
    done = run(*LEARN, "--photos", folder, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "no_subject")
    assert "(0.png is not a picture that can be read; use PNG" in done.json["error"]["message"]
    none = run(*LEARN, "--json")
    assert (none.code, none.json["error"]["code"]) == (2, "bad_image")


def test_presets_are_rebuilt_and_those_that_do_not_work_left_out(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    presets = tmp_path / "presets"
    stale = presets / "tiny" / "of-another-day"
    stale.mkdir(parents=True)
    train = (
        "train", "presets", "--bundle", "tiny", "--images", folder, "--output", presets,
        "--photos", 1, "--others", 1, "--steps", 1, "--quiet", "--json",
    )  # fmt: skip
    done = run(*train, "--least", 0)
    assert done.code == 0, done.err
    assert set(done.json["presets"]) == {"bigger"} and done.json["removed"] == ["of-another-day"]
    assert [path.name for path in (presets / "tiny").iterdir()] == ["bigger"]
    none = run(*train, "--least", 1.1).json
    assert none["presets"] == {} and set(none["left_out"]) == {"bigger"}
    assert none["removed"] == ["bigger"] and not any((presets / "tiny").iterdir())


def test_a_recipe_that_changes_nothing_stops_no_other_preset(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = recipes.Recipe("still", "Still", "Changes nothing.", ("eyes",), ScaleShape())
    monkeypatch.setitem(recipes.RECIPES, "test squares", (still, BIGGER))
    words = ("train", "presets", "--bundle", "tiny", "--images", folder, "--photos", 2)
    done = run(*words, "--others", 0, "--steps", 2, "--least", 0, "--quiet", "--json")
    assert done.code == 0, done.err
    assert done.json["nothing_changed"] == ["still"]
    assert list(done.json["presets"]) == ["bigger"] and not done.json["left_out"]
