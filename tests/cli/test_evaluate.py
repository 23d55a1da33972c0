"""`editgan evaluate` on a small model: sections, resuming, and what bad input gets."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from cli_harness import CONFIG, Run

from backend.bundles.bundle import read_bundle
from backend.editing.inversion import InversionLevel
from backend.evaluation import encoder_table, photo_set
from backend.photos.files import write_photo
from backend.photos.photo import Photo
from edit_library import Library


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos in `set/`; the list keeps 1, 2 and 4 out of training."""
    folder = tmp_path / "photos" / "set"
    folder.mkdir(parents=True)
    y, x = np.mgrid[:48, :48]
    for i in range(5):
        waves = [np.sin((x + i * y) / 6), np.cos(y / (5 + i)), np.sin(x / 4 + i)]
        pixels = np.stack([(w * 90 + 128).astype(np.uint8) for w in waves], axis=2)
        write_photo(Photo(pixels), folder / f"{i}.png")
    (tmp_path / "held-out.txt").write_text("set/1.png\nset/2.png\nset/4.png\nset/9.png\n")
    return tmp_path / "photos"


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = (InversionLevel(0), InversionLevel(4), InversionLevel(12))
    monkeypatch.setattr(photo_set, "STEPS", dict(zip(photo_set.STEPS, levels, strict=True)))
    monkeypatch.setattr(encoder_table, "STEPS", photo_set.STEPS)


@pytest.fixture
def edit(home: Path, bundles: Path) -> str:
    vector = np.random.default_rng(0).normal(0, 0.3, (CONFIG.n_ws, CONFIG.w_dim))
    bundle = read_bundle(bundles / "tiny")
    Library(home / "library").save(
        "tiny", "Bigger eyes", vector, generator_sha=bundle.sha, parts=("eyes",)
    )
    return "bigger-eyes"


def test_all_sections_that_the_model_allows(
    run: Run, photos: Path, edit: str, tmp_path: Path
) -> None:
    words = ("evaluate", "--bundle", "tiny", "--photos", photos, "-o", tmp_path / "results")
    words = (*words, "--held-out", tmp_path / "held-out.txt", "--edits", edit, "--count", 2)
    done = run(*words, "--quiet")
    assert done.code == 0, done.err
    folder = tmp_path / "results" / "tiny"
    names = {p.name for p in folder.iterdir()}
    assert names == {"README.md", "results.json", "parts.jpg", "presets.jpg"}
    assert "](parts.jpg)" in (folder / "README.md").read_text()
    assert (folder / "README.md").read_text() in done.out
    sections = json.loads((folder / "results.json").read_text())["sections"]
    encoder = sections["encoder"]
    assert encoder["photos"] == 2 and encoder["identity_network"] is None
    errors = [row["mse"] for row in encoder["rows"]]
    assert errors[0] > errors[1] > errors[2]
    assert "skipped" in sections["smile"]
    (row,) = sections["presets"]["rows"]
    assert row["preset"] == edit and row["worked_face"] is None
    assert row["measure_parts"] == "area of eyes +10%" and row["worked_parts"] in (0, 0.5, 1)
    assert row["outside"] > 0 and 0 < row["leak"] < 1


def test_it_goes_on_where_it_was(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("evaluate", "--bundle", "tiny", "--photos", photos, "-o", tmp_path / "results")
    words = (*words, "--held-out", tmp_path / "held-out.txt", "--only", "encoder", "--json")
    first = run(*words, "--count", 2).json["sections"]
    embedded = []

    def invert(networks, image, mask, level):  # type: ignore[no-untyped-def]
        embedded.append(level)
        return real(networks, image, mask, level)

    real = photo_set.invert
    monkeypatch.setattr(photo_set, "invert", invert)
    assert run(*words, "--count", 2).json["sections"] == first and not embedded
    more = run(*words, "--count", 3).json["sections"]
    assert len(embedded) == len(photo_set.STEPS) and more["encoder"]["photos"] == 3
    run(*words, "--count", 2, "--anew")
    assert len(embedded) == 3 * len(photo_set.STEPS)


def test_a_section_alone_leaves_the_others(run: Run, photos: Path, tmp_path: Path) -> None:
    words = ("evaluate", "--bundle", "tiny", "--photos", photos, "-o", tmp_path, "--count", 2)
    run(*words, "--only", "encoder")
    sections = run(*words, "--only", "smile", "--json").json["sections"]
    assert set(sections) == {"encoder", "smile"}
    kept = json.loads((tmp_path / "tiny/results.json").read_text())
    kept["bundle"]["files"]["generator.safetensors"] = "another"
    (tmp_path / "tiny/results.json").write_text(json.dumps(kept))
    sections = run(*words, "--only", "smile", "--json").json["sections"]
    assert set(sections) == {"smile"}  # what was measured of another model is not kept


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--photos", "nowhere"), "no folder nowhere"),
        (("--photos", ".", "--ratings", "none.csv"), "no file none.csv"),
        (("--photos", "empty"), "no pictures in empty"),
        (("--photos", "photos", "--held-out", "other.txt"), "kept out of training"),
        (("--photos", "photos", "--edits", "nothing"), "no edit 'nothing'"),
    ],
)
def test_bad_input_is_said(
    run: Run,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.txt").write_text("elsewhere/1.png")
    done = run("evaluate", "--bundle", "tiny", "-o", "results", *words)
    assert done.code == 2 and said in done.err and done.err.count("\n") == 1


def test_a_missing_package_is_named(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, lacking = importlib.util.find_spec, {"sklearn", "torch_fidelity"}
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, *package: None if name in lacking else there(name, *package),
    )
    done = run("evaluate", "--bundle", "tiny", "--photos", photos, "-o", tmp_path)
    assert done.code == 2
    assert "scikit-learn" in done.err and "pip install" in done.err
    measured = ("--images", tmp_path, "--held-out", tmp_path, "--perceptual", tmp_path)
    done = run("train", "score", tmp_path, *measured)
    assert done.code == 2 and "torch-fidelity" in done.err
