"""`editgan batch` on a small real model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import Run
from PIL import Image

from backend.batch.local_crew import LocalCrew
from backend.photos.files import read_photo, write_photo
from backend.photos.photo import Photo
from edit_library import Library
from protocol.paths import library_dir
from protocol.stack_file import read_stack

PROJECT = Path(__file__).resolve().parents[2]
BATCH = ("batch", "--bundle", "tiny", "--level", "fast", "--workers", 1, "--device", "cpu")


@pytest.fixture(autouse=True)
def edit(run: Run, nothing_embedded: None) -> None:
    """An edit of the tiny model, "eyes", in the library."""
    from backend.bundles import find_bundle
    from backend.session.edits import save_edit

    bundle = find_bundle("tiny")
    vector = np.random.default_rng(1).normal(size=(bundle.config.n_ws, bundle.config.w_dim))
    save_edit(
        Library(library_dir()), bundle, "eyes", vector.astype(np.float32), parts=("eyes", "fur")
    )


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Two days with photos of one name, a raw file, a torn photo, and hidden leftovers."""
    for i, name in enumerate(("day1/a.jpg", "day1/b.png", "day2/a.jpg")):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(i).integers(0, 255, (8, 8, 3)).astype(np.uint8)
        image = Image.fromarray(noise.repeat(9, axis=0).repeat(9, axis=1))
        exif = Image.Exif()
        exif[0x010E] = f"photo {i}"  # ImageDescription
        image.save(path, exif=exif)
    (tmp_path / "album/day1/a.cr2").write_bytes(b"II*\0\x10\0\0\0CR\x02\0")
    (tmp_path / "album/day1/._a.jpg").write_bytes(b"a Mac's")
    (tmp_path / "album/day2/torn.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "album"


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".editgan-batch" not in path.parts
    }


def test_from_folders_to_results_and_on_again(run: Run, album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(*BATCH, album, "--edit", "eyes:0.7", "-o", out, "--json")
    assert done.code == 3, done.err  # one is torn
    report = done.json
    counts = {name: report[name] for name in ("photos", "edited", "failed", "nobody", "left")}
    assert counts == {"photos": 4, "edited": 3, "failed": 1, "nobody": 0, "left": 0}
    [torn] = [row for row in report["results"] if row["status"] == "failed"]
    assert torn["photo"].endswith("day2/torn.jpg") and "torn.jpg is" in torn["error"]
    assert [Path(path).name for path in report["raw"]] == ["a.cr2"]
    assert files(out) == {
        "day1/a.jpg", "day1/b.png", "day2/a.jpg", "contact-sheet.html", "report.json",
    }  # fmt: skip
    assert json.loads((out / "report.json").read_text()) == report
    assert set(report["stages"]) == {"read", "find", "embed", "apply", "write"}
    page = (out / "contact-sheet.html").read_text()
    assert page.count("<figure") == 3 and "torn.jpg" in page and "@" not in page
    with Image.open(out / "day2/a.jpg") as result:
        assert result.getexif()[0x010E] == "photo 2"
    assert b"compositeWithTrainedAlgorithmicMedia" in (out / "day1/a.jpg").read_bytes()

    one = tmp_path / "one.png"
    apply = ("apply", album / "day1/b.png", "--bundle", "tiny", "--level", "fast")
    assert run(*apply, "--edit", "eyes:0.7", "-o", one).code == 0
    assert (out / "day1/b.png").read_bytes() == one.read_bytes()

    before = {name: (out / name).stat().st_mtime_ns for name in files(out) if "/" in name}
    Image.fromarray(np.full((60, 60, 3), 90, np.uint8)).save(album / "day2/torn.jpg")
    again = run(*BATCH, album, "--edit", "eyes:0.7", "-o", out)
    assert again.code == 0, again.err
    assert "4 photos edited" in again.out
    assert "3 of 4 photos were done in an earlier run." in again.out
    assert "1 raw file(s) were left alone (a.cr2)." in again.out
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before

    (out / "day1/b.png").write_bytes(one.read_bytes() + b"\n")  # somebody's own work on it
    other = run(*BATCH, album, "--edit", "eyes:-0.3", "-o", out, "--json")
    assert other.code == 3
    assert [r["photo"] for r in other.json["results"] if r["status"] == "failed"] == [
        str(album / "day1/b.png")
    ]
    assert (out / "day1/b.png").read_bytes() == one.read_bytes() + b"\n"
    changed = [name for name in before if (out / name).stat().st_mtime_ns != before[name]]
    assert sorted(changed) == ["day1/a.jpg", "day1/b.png", "day2/a.jpg"]


def test_what_another_format_cannot_hold_is_named_first(
    run: Run, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (album / "day1/b.png").unlink()
    comment = {"comment": b"of the camera"}
    for name in ("day1/a.jpg", "day2/a.jpg"):
        with Image.open(album / name) as image:
            image.save(album / name, **comment)
    monkeypatch.setattr(LocalCrew, "__init__", None)  # nothing is begun
    done = run(*BATCH, album, "--edit", "eyes:0.7", "--format", "webp", "-o", tmp_path / "out")
    assert done.err.count("A .webp file cannot hold") == 1, done.err
    assert "a.jpg, and perhaps others" in done.err and "the comment" in done.err


def test_a_stack_of_apply_gives_the_same_by_batch(run: Run, photo: Path, tmp_path: Path) -> None:
    stack, one, out = tmp_path / "my.editgan-stack", tmp_path / "one.png", tmp_path / "out"
    apply = ("apply", photo, "--bundle", "tiny", "--level", "fast", "--save-stack", stack)
    done = run(*apply, "--edit", "eyes:0.5", "-o", one)
    assert done.code == 0, done.err
    kept = read_stack(stack)
    assert [(e.name, e.scale, e.parts) for e in kept.edits] == [("eyes", 0.5, ("eyes", "fur"))]
    run("library", "delete", "eyes", "--bundle", "tiny")
    two = tmp_path / "two.png"
    assert run("apply", photo, "--stack", stack, "--level", "fast", "-o", two).code == 0
    assert two.read_bytes() == one.read_bytes()
    words = ("batch", photo, "--stack", stack, "--level", "fast", "--workers", 1, "-o", out)
    assert run(*words).code == 0
    assert (out / "photo.png").read_bytes() == one.read_bytes()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "bad_setting"),
        (("--edit", "nose"), "not_found"),
        (("--edit", "eyes", "--threshold", "0.5"), "bad_setting"),
        (("--stack", "missing.editgan-stack"), "bad_stack"),
    ],
)
def test_what_cannot_be_begun_is_said_first(
    words: tuple[str, ...], code: str, run: Run, photo: Path, tmp_path: Path
) -> None:
    done = run(*BATCH, photo, *words, "-o", tmp_path / "out", "--json")
    assert (done.code, done.json["error"]["code"]) == (2, code)
    assert not (tmp_path / "out").exists()


def test_a_model_that_tells_nobody_apart(run: Run, photo: Path, tmp_path: Path) -> None:
    words = ("--edit", "eyes", "--person", photo, "-o", tmp_path / "out", "--json")
    done = run(*BATCH, photo, *words)
    assert (done.code, done.json["error"]["code"]) == (2, "bad_setting")


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(12):
        write_photo(Photo(np.full((40, 40, 3), 20 * i, np.uint8)), folder / f"{i:02}.png")
    return folder


@pytest.fixture
def pressing(many: Path, tmp_path: Path) -> Iterator[None]:
    """Press Ctrl-C when the first result is there."""

    def press() -> None:
        while not ended.wait(0.01):
            if list((tmp_path / "out").glob("*.png")):
                os.kill(os.getpid(), signal.SIGINT)
                return

    ended = threading.Event()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & ignores it
    thread = threading.Thread(target=press)
    thread.start()
    yield
    ended.set()
    thread.join()
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_after_the_photo_at_hand(
    run: Run, many: Path, tmp_path: Path, pressing: None
) -> None:
    out = tmp_path / "out"
    done = run(*BATCH, many, "--edit", "eyes", "-o", out, "--json")
    assert done.code == 130, done.err
    report = done.json
    assert 1 <= report["edited"] < 12 and report["edited"] + report["left"] == 12
    assert len(list(out.glob("*.png"))) == report["edited"]
    for path in out.glob("*.png"):
        read_photo(path)
    began = time.time_ns()
    rest = run(*BATCH, many, "--edit", "eyes", "-o", out, "--json").json
    assert (rest["edited"], rest["earlier"], rest["left"]) == (12, report["edited"], 0)
    fresh = [path for path in out.glob("*.png") if path.stat().st_mtime_ns > began]
    assert len(fresh) == 12 - report["edited"]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_batch_that_is_killed_goes_on(run: Run, many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [str(w) for w in (*BATCH, many, "--edit", "eyes", "-o", out)]
    batch = subprocess.Popen([sys.executable, "-m", "backend.cli", *words], cwd=PROJECT)
    try:
        wait_for(lambda: len(list(out.glob("*.png"))) >= 2)
        members = children_of(batch.pid)
    finally:
        batch.kill()
        batch.wait()
    assert members
    wait_for(lambda: not any(Path(f"/proc/{member}").exists() for member in members))
    done = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    rest = run(*words, "--json")
    assert rest.code == 0, rest.err
    assert rest.json["edited"] == 12 and len(done) - 1 <= rest.json["earlier"] <= len(done)
    unchanged = [path for path, stamp in done.items() if path.stat().st_mtime_ns == stamp]
    assert len(unchanged) == len(done)


def children_of(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found


def test_a_member_that_dies_is_replaced(
    run: Run, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crews: list[LocalCrew] = []
    start = LocalCrew.__init__

    def remembered(crew: LocalCrew, *args: Any, **more: Any) -> None:
        start(crew, *args, **more)
        crews.append(crew)

    def kill_one() -> None:
        wait_for(lambda: len(list((tmp_path / "out").glob("*.png"))) >= 2)
        crews[0]._members[0].process.kill()

    monkeypatch.setattr(LocalCrew, "__init__", remembered)
    thread = threading.Thread(target=kill_one)
    thread.start()
    done = run(*BATCH, many, "--edit", "eyes", "-o", tmp_path / "out", "--json")
    thread.join()
    assert done.code == 0, done.err
    assert done.json["edited"] == 12 and done.json["failed"] == 0
