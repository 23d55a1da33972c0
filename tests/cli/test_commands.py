"""From a photo to an edited photo on the command line, as a user goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_harness import PARTS, Run
from PIL import Image

from backend.editing.editor import Editor
from backend.photos.files import read_photo, write_photo
from backend.photos.label_file import OUTSIDE
from backend.photos.metadata import Metadata
from backend.photos.photo import Photo
from protocol import settings

TINY = ("--bundle", "tiny", "--level", "fast")


@pytest.fixture
def parts(run: Run, photo: Path, tmp_path: Path) -> Path:
    """parts.png of the photo."""
    path = tmp_path / "parts.png"
    assert run("segment", photo, *TINY, "-o", path).code == 0
    return path


def paint(parts: Path, label: int, width: int = 20) -> None:
    """Paint a square of one part into the middle, as a paint program does."""
    with Image.open(parts) as image:
        labels = np.array(image)
        labels[25 : 25 + width, 35 : 35 + width] = label
        painted = Image.fromarray(labels)
        painted.putpalette(image.getpalette())
    painted.save(parts)


def most_common(parts: Path) -> tuple[int, int]:
    """The labels with the most and the fewest pixels in the middle of parts.png."""
    with Image.open(parts) as image:
        counts = np.bincount(np.asarray(image)[25:45, 35:55].ravel(), minlength=len(PARTS))[:3]
    return int(counts.argmax()), int(counts.argmin())


def test_segment_writes_the_bundles_palette(run: Run, photo: Path, tmp_path: Path) -> None:
    path, layers = tmp_path / "parts.png", tmp_path / "layers"
    done = run("segment", photo, *TINY, "-o", path, "--layers", layers, "--json")
    assert done.code == 0, done.err
    report = done.json
    assert report["assumed"]  # the model finds no subjects, and no --box names one
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("P", (90, 70))
        labels = np.asarray(image)
    assert set(np.unique(labels)) <= {0, 1, 2, OUTSIDE}
    assert (labels[:, :9] == OUTSIDE).all()  # the subject is the square in the middle
    assert (labels[:, 12:78] != OUTSIDE).all()
    assert [p["pixels"] for p in report["parts"]] == [int((labels == i).sum()) for i in range(3)]
    files = sorted(layers.iterdir())
    assert [p.name for p in files] == ["00-background.png", "01-fur.png", "02-eyes.png"]
    total = sum(read_photo(p).pixels[..., 3].astype(int) for p in files)
    assert total.shape == (70, 90)
    assert np.abs(total[:, 12:78] - 255).max() <= 2 and not total[:, :8].any()


def test_a_box_says_where_the_subject_is(run: Run, photo: Path, tmp_path: Path) -> None:
    """The same box again repaints what was segmented; the rest of the photo stays as it is."""
    path, out = tmp_path / "parts.png", tmp_path / "out.png"
    at = ("--box", "30,20,40,30")  # the square around it: 40 x 40 from 30, 15
    done = run("segment", photo, *TINY, *at, "-o", path)
    assert done.code == 0 and "--box" not in done.out, done.err
    with Image.open(path) as image:
        inside = np.asarray(image) != OUTSIDE
    assert inside[17:53, 32:68].all() and not inside[:13].any() and not inside[:, :28].any()
    paint(path, most_common(path)[1])
    done = run("repaint", photo, "--parts", path, *TINY, *at, "--steps", 3, "-o", out)
    assert done.code == 0, done.err
    before, after = read_photo(photo).pixels, read_photo(out).pixels
    assert (after != before)[15:55, 30:70].any()
    assert (after == before)[:13].all() and (after == before)[:, :28].all()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--box", "45,20,40"), "no box"),
        (("--box", "45,20,0,30"), "no box"),
        (("--box", "60,20,40,30"), "90 x 70"),
    ],
)
def test_a_box_that_is_none_is_refused(
    run: Run, photo: Path, tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    done = run("segment", photo, *TINY, *words, "-o", tmp_path / "parts.png")
    assert done.code == 2 and complaint in done.err
    sample = run("segment", "--seed", 1, *TINY, "--box", "1,1,8,8", "-o", tmp_path / "parts.png")
    assert sample.code == 2 and "--box says where" in sample.err


def test_segment_shows_where_it_is_unsure(run: Run, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "unsure.png"
    done = run("segment", photo, *TINY, "-o", tmp_path / "parts.png", "--uncertainty", out)
    assert done.code == 0, done.err
    with Image.open(out) as image:
        assert (image.mode, image.size) == ("L", (90, 70))
        values = np.asarray(image)
    assert values[:, 12:78].max() > 10 and not values[:, :8].any()
    same = run("segment", photo, *TINY, "-o", out, "--uncertainty", photo)
    assert same.code == 2 and "overwrite" in same.err


def test_segmenting_again_uses_the_kept_embedding(
    run: Run, photo: Path, tmp_path: Path, nothing_embedded: None
) -> None:
    path = tmp_path / "parts.png"
    first = run("segment", photo, *TINY, "-o", path, "--json").json
    labels = path.read_bytes()
    second = run("segment", photo, *TINY, "-o", path, "--json").json
    assert "from_cache" not in first["reconstruction"] and second["reconstruction"]["from_cache"]
    assert path.read_bytes() == labels


def test_repaint_changes_the_photo_near_the_paint_only(
    run: Run, photo: Path, parts: Path, tmp_path: Path
) -> None:
    paint(parts, most_common(parts)[1])
    out = tmp_path / "out.png"
    done = run(
        "repaint", photo, "--parts", parts, "-o", out, "--bundle", "tiny", "--steps", 12, "--json"
    )
    assert done.code == 0, done.err
    before, after = read_photo(photo).pixels, read_photo(out).pixels
    assert after.shape == before.shape and (after != before).any()
    assert np.array_equal(after[:, :9], before[:, :9])
    # The paint program dropped our note of the level; the embedding that was kept tells it.
    assert done.json["level"] == "fast" and done.json["reconstruction"]["from_cache"]
    told = run("repaint", photo, "--parts", parts, "-o", out, "--bundle", "tiny", "--steps", 1)
    assert "pixels agree" in told.out and "Region: " in told.out and "Reconstruction: " in told.out


def test_an_edit_is_saved_applied_and_exported(
    run: Run, photo: Path, parts: Path, tmp_path: Path
) -> None:
    paint(parts, most_common(parts)[1])
    out = tmp_path / "out.png"
    repaint = ("repaint", photo, "--parts", parts, "-o", out, *TINY, "--steps", 12)
    assert run(*repaint, "--save-edit", "Größer", "--json").json["edit"] == "grosser"

    again = run(*repaint, "--save-edit", "größer")
    assert again.code == 2 and "grosser" in again.err and "--overwrite" in again.err

    [edit] = run("library", "list", "--bundle", "tiny", "--json").json["edits"]
    assert (edit["title"], edit["licence"], edit["source"]) == ("Größer", "CC0", "user")
    shown = run("library", "show", "Größer", "--bundle", "tiny", "--json").json
    assert shown["vector_norm"] > 0 and shown["thumbnails"] == {"before": True, "after": True}

    applied = tmp_path / "applied.png"
    done = run("apply", photo, *TINY, "--edit", "Größer:1", "-o", applied, "--json")
    assert done.code == 0, done.err
    assert done.json["edits"][0]["in_range"]
    assert run("apply", photo, *TINY, "--edit", "grosser:0", "-o", applied).code == 0
    stacked = run(
        "apply", photo, *TINY, "--edit", "grosser:1.5", "--edit", "grosser:-3", "--refine", 2,
        "-o", applied,
    )  # fmt: skip
    assert stacked.code == 0 and "looks best between" in stacked.out

    assert run("library", "export", "grosser", "--bundle", "tiny", "-o", tmp_path).code == 0
    assert run("library", "rename", "grosser", "Kleiner", "--bundle", "tiny").code == 0
    assert run("library", "import", tmp_path / "grosser.editgan").code == 0
    assert run("library", "delete", "Kleiner", "--bundle", "tiny").code == 0
    names = [e["name"] for e in run("library", "list", "--bundle", "tiny", "--json").json["edits"]]
    assert names == ["grosser"]


@pytest.mark.parametrize(("name", "dtype"), [("p.png", np.uint16), ("p.tif", np.float32)])
def test_deep_photos_keep_their_depth(
    run: Run, photo: Path, parts: Path, tmp_path: Path, name: str, dtype: type
) -> None:
    values = read_photo(photo).pixels.astype(np.float64) / 255
    deep = values * 65535 if dtype is np.uint16 else values * 1.5 - 0.1
    write_photo(Photo(deep.astype(dtype)), tmp_path / name)
    assert run("segment", tmp_path / name, *TINY, "-o", parts).code == 0
    paint(parts, most_common(parts)[1])
    out = tmp_path / f"out-{name}"
    done = run("repaint", tmp_path / name, "--parts", parts, "-o", out, *TINY, "--steps", 12)
    assert done.code == 0, done.err
    before, after = read_photo(tmp_path / name).pixels, read_photo(out).pixels
    assert after.dtype == dtype and (after != before).any()
    assert np.array_equal(after[:, :9], before[:, :9])


def test_what_the_output_cannot_hold_is_named_before_the_work(
    run: Run, photo: Path, parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where nothing comes of the work; and the report names it again."""
    records = b"\x1c\x02\x69\0\x05Title"
    said = Photo(read_photo(photo).pixels, metadata=Metadata(iptc=records))
    write_photo(said, tmp_path / "said.png")
    paint(parts, most_common(parts)[1])
    out = tmp_path / "out.webp"
    words = ("repaint", tmp_path / "said.png", "--parts", parts, "-o", out, *TINY, "--steps", 1)
    done = run(*words, "--json")
    assert "IPTC" in done.err and "IPTC" in done.json["note"]
    monkeypatch.setattr(Editor, "repaint", None)
    failed = run(*words)
    assert failed.code == 1 and "cannot hold all of the photo's: IPTC." in failed.err


def test_a_picture_of_the_models_own_in_place_of_a_photo(run: Run, tmp_path: Path) -> None:
    parts, out, grid = (tmp_path / name for name in ("parts.png", "out.png", "grid.png"))
    own = ("--seed", 7, "--bundle", "tiny")
    segmented = run("segment", *own, "-o", parts, "--json").json
    assert (segmented["width"], segmented["height"], segmented["level"]) == (32, 32, "known")
    assert segmented["reconstruction"]["mse"] < 1e-4
    with Image.open(parts) as image:
        labels = np.array(image)
        assert labels.shape == (32, 32)
        labels[10:20, 12:22] = (labels[10:20, 12:22] + 1) % 3
        painted = Image.fromarray(labels)
        painted.putpalette(image.getpalette())
    painted.save(parts)
    repaint = ("repaint", *own, "--parts", parts, "-o", out, "--steps", 2, "--save-edit", "E")
    assert run(*repaint).code == 0
    done = run("apply", *own, "--edit", "e:0", "-o", out)
    assert done.code == 0, done.err
    assert run("sample", *own, "--count", 1, "-o", grid).code == 0
    assert np.array_equal(read_photo(out).pixels, read_photo(grid).pixels)
    assert run("segment", "-o", parts).code == 2  # neither a photo nor a seed
    assert run("segment", parts, *own, "-o", out).code == 2  # both


def test_weights_change_the_result(run: Run, photo: Path, parts: Path, tmp_path: Path) -> None:
    paint(parts, most_common(parts)[1])
    out = tmp_path / "out.png"
    repaint = ("repaint", photo, "--parts", parts, "-o", out, *TINY, "--steps", 2, "--json")
    plain = run(*repaint).json["result"]["terms"]
    other = run(*repaint, "--weight", "cross_entropy=0").json["result"]["terms"]
    assert plain["cross_entropy"] > 0 and other["cross_entropy"] == 0


def test_scales_out_of_all_bounds_are_clamped_and_told(
    run: Run, photo: Path, parts: Path, tmp_path: Path
) -> None:
    paint(parts, most_common(parts)[1])
    out = tmp_path / "out.png"
    run("repaint", photo, "--parts", parts, "-o", out, *TINY, "--steps", 1, "--save-edit", "E")
    done = run("apply", photo, *TINY, "--edit", "e:500", "-o", out)
    assert done.code == 0, done.err
    assert "E x 10" in done.out and "500 is too much; 10 was applied instead." in done.out


def test_erasing_with_the_outside_color(run: Run, photo: Path, parts: Path, tmp_path: Path) -> None:
    paint(parts, OUTSIDE)
    done = run(
        "repaint",
        photo,
        "--parts",
        parts,
        "-o",
        tmp_path / "out.png",
        *TINY,
        "--steps",
        3,
        "--json",
    )
    assert done.code == 0, done.err
    with Image.open(parts) as image:
        assert np.asarray(image)[30, 40] == OUTSIDE


def test_sample_draws_seeds(run: Run, tmp_path: Path) -> None:
    grid = tmp_path / "grid.png"
    sample = ("sample", "--bundle", "tiny", "-o", grid)
    done = run(*sample, "--seed", 5, "--count", 3, "--json")
    assert done.json["seeds"] == [5, 6, 7]
    pictures = read_photo(grid).pixels
    assert pictures.shape == (64, 64, 3)
    assert run(*sample, "--seed", 6, "--count", 1).code == 0
    assert np.array_equal(read_photo(grid).pixels, pictures[:32, 32:])


def test_pictures_say_how_they_were_made(
    run: Run, home: Path, photo: Path, parts: Path, tmp_path: Path
) -> None:
    grid, edited = tmp_path / "grid.png", tmp_path / "edited.png"
    sample = ("sample", "--bundle", "tiny", "--count", 1, "-o", grid)
    repaint = ("repaint", photo, *TINY, "--parts", parts, "--steps", 1, "-o", edited)
    paint(parts, most_common(parts)[1])
    assert run(*sample).code == run(*repaint).code == 0
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in grid.read_bytes()
    assert b"digitalsourcetype/compositeWithTrainedAlgorithmicMedia" in edited.read_bytes()
    assert run(*sample, "--no-declare-ai").code == 0
    assert b"digitalsourcetype" not in grid.read_bytes()
    settings.save(settings.Settings(declare_ai=False))
    assert run(*repaint).code == 0
    assert b"digitalsourcetype" not in edited.read_bytes()


def test_doctor_finds_damage_and_says_what_to_do(run: Run, home: Path, bundles: Path) -> None:
    found = run("doctor", "--json").json["findings"]
    state = {f["check"]: f["state"] for f in found}
    assert state["packages"] == state["torch"] == state["data folder"] == "ok"
    assert any("tiny" in f["text"] and f["state"] == "ok" for f in found if f["check"] == "models")

    (home / "bundles").unlink()
    shutil.copytree(bundles, home / "bundles")
    weights = home / "bundles" / "tiny" / "encoder.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    broken = home / "library" / "tiny" / "broken"
    broken.mkdir(parents=True)
    (broken / "edit.json").write_text(json.dumps({"format": "nonsense"}))
    (home / "bundles" / "odd").mkdir()
    (home / "bundles" / "odd" / "bundle.json").write_text(json.dumps({"format": 1}))
    done = run("doctor")
    assert done.code == 1
    assert "PROBLEM models" in done.out and str(home / "bundles" / "odd") in done.out
    assert "PROBLEM models: tiny: damaged or missing: encoder.safetensors" in done.out
    assert "PROBLEM edit library: 'tiny/broken'" in done.out and str(broken) in done.out
