"""`editgan learn --before-after` on a small real model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_harness import Run

from backend.bundles import find_bundle
from backend.commands.pairs import find_pairs
from backend.editing.editor import Editor, ScaledEdit
from backend.errors import BadImage
from backend.photos.files import write_photo
from backend.photos.photo import Photo
from edit_library import Library
from protocol.paths import library_dir

LEARN = ("learn", "--bundle", "tiny", "--level", "fast", "--before-after", "--steps", 30)


@pytest.fixture
def truth(run: Run) -> np.ndarray:
    """What is done in every copy: a direction of the tiny model."""
    config = find_bundle("tiny").config
    return np.random.default_rng(1).normal(0, 0.5, (config.n_ws, config.w_dim)).astype(np.float32)


@pytest.fixture
def folder(truth: np.ndarray, tmp_path: Path) -> Path:
    """Three pictures of the model's own and their copies, a copy of another size, a photo alone."""
    photos, editor = tmp_path / "pairs", Editor(find_bundle("tiny"))
    photos.mkdir()
    edit = ScaledEdit(truth, ("eyes", "fur"), 1.0)
    for seed in range(3):
        sample = editor.open_sample(seed)
        after = editor.preview(sample, [edit]).crop
        write_photo(Photo(np.asarray(sample.pixels)), photos / f"{seed}.png")
        write_photo(Photo(after), photos / f"{seed}-retouched.png")
    noise = np.zeros((40, 40, 3), np.uint8)
    write_photo(Photo(noise), photos / "(small).png")
    write_photo(Photo(noise[:20]), photos / "(small)-edited.png")
    write_photo(Photo(noise), photos / "alone.png")
    return photos


def test_what_was_done_in_the_copies_becomes_an_edit(
    run: Run, folder: Path, truth: np.ndarray
) -> None:
    words = ("--photos", folder, "--name", "My touch", "--count", 2, "--others", 1, "--json")
    done = run(*LEARN, *words)
    assert done.code == 0, done.err
    report = done.json
    assert (report["photos"], report["others"], report["learnt_from"]) == (2, 1, 2)
    assert 0.1 < report["explained"] <= 1  # of what was done to one that was not learned from
    assert [text.split(":")[0] for text in report["passed_over"]] == ["(small).png"]
    edit = Library(library_dir()).get("tiny", "my-touch")
    assert edit.info.parts == tuple(report["parts"]) and set(edit.info.parts) & {"eyes", "fur"}
    assert [edit.info.low, edit.info.high] == report["range"]
    told = run(*LEARN, *words[:-1], "--overwrite", "--quiet")
    assert "of the two photos' difference." in told.out
    assert "Passed over: (small).png: (small)-edited.png has another size" in told.out


def test_only_what_was_done_to_a_part(run: Run, folder: Path) -> None:
    words = ("--photos", folder, "--name", "Eyes only", "--part", "eyes", "--json")
    done = run(*LEARN, *words)
    assert done.code == 0, done.err
    assert done.json["parts"] == ["eyes"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--name", "a"), "bad_image"),
        ((), "bad_setting"),
        (("--name", "a", "--seed", "1"), "bad_setting"),
        (("--name", "a", "--part", "beak"), "wrong_bundle"),
    ],
)
def test_what_cannot_be_learnt(
    run: Run, words: tuple[str, ...], code: str, tmp_path: Path, photo: Path
) -> None:
    done = run(*LEARN, "--photos", tmp_path, *words, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, code)
    other = run("learn", "--recipe", "smile", "--part", "eyes", "--photos", tmp_path, "--json")
    assert (other.code, other.json["error"]["code"]) == (2, "bad_setting")


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_pairs_by_name_and_by_folder(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    touch(one / "a.jpg", one / "a_Edited.tif", one / "b-before.png", one / "b-after.png")
    touch(one / "c-retouched.jpg", one / "d.jpg", two / "a.png", two / "x.png")
    names = [(before.name, after.name) for before, after in find_pairs([one])]
    assert names == [("a.jpg", "a_Edited.tif"), ("b-before.png", "b-after.png")]
    assert find_pairs([one, two]) == [(one / "a.jpg", two / "a.png")]
    with pytest.raises(BadImage, match="no pairs"):
        find_pairs([two])
    with pytest.raises(BadImage, match="one folder, or two"):
        find_pairs([one, two, one])
