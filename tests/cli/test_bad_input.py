"""Bad input: one clear sentence, exit code 2, and nothing written."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
from cli_harness import Run
from PIL import Image

from backend.bundles import find_bundle

PROJECT = Path(__file__).resolve().parents[2]
TINY = ("--bundle", "tiny", "--level", "fast")


def bad_photos(photo: Path) -> dict[str, tuple[Path, str]]:
    """Photos that cannot be used, and a word of the sentence about each."""
    folder = photo.parent
    with Image.open(photo) as image:
        image.resize((20, 20)).save(folder / "small.png")
        image.save(folder / "whole.jpg")
    data = (folder / "whole.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(data[: len(data) // 2])
    (folder / "text.png").write_text("not a picture")
    return {
        "20 x 20": (folder / "small.png", "20 x 20"),
        "truncated": (folder / "truncated.jpg", "cut short"),
        "text": (folder / "text.png", "not a picture"),
        "missing": (folder / "missing.png", "no file"),
    }


@pytest.mark.parametrize("kind", ["20 x 20", "truncated", "text", "missing"])
@pytest.mark.parametrize("command", ["segment", "apply", "repaint"])
def test_bad_photos(run: Run, photo: Path, tmp_path: Path, command: str, kind: str) -> None:
    path, words = bad_photos(photo)[kind]
    parts = tmp_path / "parts.png"
    assert run("segment", photo, *TINY, "-o", parts).code == 0
    if kind == "20 x 20":
        with Image.open(parts) as image:
            image.resize((20, 20), Image.Resampling.NEAREST).save(parts)
    extra = {"segment": (), "apply": ("--edit", "x"), "repaint": ("--parts", parts)}[command]
    out = tmp_path / "out.png"
    done = run(command, path, *TINY, *extra, "-o", out, "--json")
    assert done.code == 2 and not out.exists()
    if command != "apply" or kind != "20 x 20":  # there the edit is looked for first
        assert words in done.json["error"]["message"]
    assert done.err.startswith("editgan: ") and done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["segment", "PHOTO", "-o", "x.png", "--bundle", "nope"], "unknown_bundle", "'nope'"),
        (["segment", "PHOTO", "-o", "x.gif", *TINY], "bad_image", "ending"),
        (["segment", "PHOTO", "-o", "x.jpg", *TINY], "bad_image", ".png"),
        (["segment", "PHOTO", "-o", "no/such/x.png", *TINY], "bad_image", "no folder"),
        (["segment", "PHOTO", "-o", "PHOTO", *TINY], "bad_image", "overwrite"),
        (["segment", "PHOTO", "-o", "a.png", "--uncertainty", "a.png"], "bad_setting", "same file"),
        (["segment", ".", "-o", "x.png", *TINY], "bad_image", "is a folder"),
        (["segment", "PHOTO", "-o", "empty.png", *TINY], "bad_image", "is a folder"),
        (["segment", "PHOTO", "-o", "x.png", *TINY, "--subject", "2"], "no_subject", "1 subject"),
        (["apply", "PHOTO", "-o", "x.png", *TINY, "--edit", "nope"], "not_found", "'nope'"),
        (["apply", "PHOTO", "-o", "x.png", *TINY, "--edit", "a:lot"], "bad_edit", "'lot'"),
        (["apply", "PHOTO", "-o", "x.png", *TINY, "--edit", "a:nan"], "bad_edit", "'nan'"),
        (["learn", "--photos", ".", *TINY, "--recipe", "grin"], "unknown_recipe", "'grin'"),
        (
            ["learn", "--photos", "no", "--recipe", "frown", "--name", "n"],
            "bad_image",
            "no file or folder no",
        ),
        (
            ["learn", "--photos", "empty.png", "--recipe", "frown", "--name", "n"],
            "bad_image",
            "no pictures in empty.png",
        ),
        (["learn", "--recipe", "frown", "--name", "n"], "bad_image", "--seed"),
        (["learn", "--photos", "no", "--recipe", "smile"], "exists", "named 'smile'"),
        (["repaint", "PHOTO", "-o", "x.png", *TINY, "--parts", "PHOTO"], "wrong_bundle", "colours"),
        (["repaint", "PHOTO", "-o", "x.png", *TINY, "--parts", "no.png"], "bad_image", "no file"),
        (["library", "show", "nope"], "not_found", "'nope'"),
        (["library", "import", "no.editgan"], "not_found", "no.editgan"),
        (["library", "import", "PHOTO"], "bad_edit", "photo.png"),
        (["library", "import", "empty.png"], "bad_edit", "is a folder"),
        (["library", "export", "smile", "-o", "no/x.editgan"], "not_writable", "no folder"),
        (["library", "delete", "../../x"], "not_found", "library list"),
        (["sample", "-o", "x.png", "--bundle", "nope"], "unknown_bundle", "'nope'"),
        (["train", "align", "--images", "no", "-o", "a"], "bad_image", "no file or folder no"),
        (["train", "align", "--images", "PHOTO", "-o", "PHOTO"], "file", "photo.png"),
        (
            ["train", "score", "x", "--images", ".", "--held-out", "no", "--perceptual", "PHOTO"],
            "bad_bundle",
            "does not hold the weights",
        ),
        (
            [
                "train",
                "bundle",
                "--run",
                ".",
                "--images",
                ".",
                "-o",
                "b",
                "--card",
                "c",
                "--perceptual",
                "p",
            ],
            "bad_setting",
            "no training state",
        ),
        (
            ["train", "codes", "--bundle", str(find_bundle("faces").folder), "--images", "."],
            "bad_image",
            "are not aligned; 'editgan train align' does it",
        ),
        (
            [
                "train",
                "labels",
                "sheet",
                "--labels",
                ".",
                "--images",
                ".",
                "--card",
                "no.json",
                "-o",
                "x.png",
            ],
            "bad_bundle",
            "no.json cannot be read: No such file",
        ),
    ],
)
def test_bad_arguments(
    run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: str,
    sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(photo.parent)
    Path("empty.png").mkdir()
    before = {p: p.stat().st_mtime_ns for p in photo.parent.iterdir() if p.is_file()}
    done = run(*[str(photo) if word == "PHOTO" else word for word in words], "--json")
    assert (done.code, done.json["error"]["code"]) == (2, code), done.err
    assert sentence in done.json["error"]["message"]
    assert done.err.startswith("editgan: ") and done.err.count("\n") == 1
    assert {p: p.stat().st_mtime_ns for p in photo.parent.iterdir() if p.is_file()} == before


def test_an_unchanged_parts_picture(run: Run, photo: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts.png"
    run("segment", photo, *TINY, "-o", parts)
    done = run("repaint", photo, "--parts", parts, *TINY, "-o", tmp_path / "o.png", "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "nothing_changed")


def test_another_photos_parts(run: Run, photo: Path, tmp_path: Path) -> None:
    parts, other = tmp_path / "parts.png", tmp_path / "other.png"
    run("segment", photo, *TINY, "-o", parts)
    Image.fromarray(np.zeros((80, 80, 3), np.uint8)).save(other)
    done = run("repaint", other, "--parts", parts, *TINY, "-o", tmp_path / "o.png", "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "bad_image")
    assert "90 x 70" in done.json["error"]["message"]


def test_a_mistake_of_ours_is_exit_code_1(
    run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import backend.photos.files

    def mistake(path: Path) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(backend.photos.files, "read_photo", mistake)
    done = run("segment", photo, "-o", photo.parent / "x.png", "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "internal")
    assert "oops" in done.err and "--debug" in done.err and "Traceback" not in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-command"],
        [],
        ["segment"],
        ["library", "fly"],
        ["sample", "-o", "x.png", "--seed", str(1 << 32)],
        ["sample", "-o", "x.png", "--device", "banana"],
        ["sample", "-o", "x.png", "--truncation", "nan"],
        ["train", "align", "--images", ".", "-o", "x", "--workers", "0"],
        ["train", "generator", "--images", ".", "-o", "x", "--perceptual", "p", "--batch", "0"],
    ],
)
def test_usage_errors(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.code == 2 and "usage: editgan" in done.err
    error = run(*words, "--json").json["error"]
    assert error["code"] == "usage" and error["message"] in done.err.replace("\n", " ")


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["library", "list"], ["segment", "--help"]]
)
def test_light_commands_leave_heavy_packages_alone(home: Path, words: list[str]) -> None:
    program = (
        "import sys\nfrom backend.cli import main\ntry:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'cv2', 'torchvision') if m in sys.modules])"
    )
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("weight", "words"), [("vgg=1", "no weight 'vgg'"), ("l2=-1", "'l2'"), ("l2", "lpips=5")]
)
def test_bad_weights(run: Run, photo: Path, tmp_path: Path, weight: str, words: str) -> None:
    parts = tmp_path / "parts.png"
    run("segment", photo, *TINY, "-o", parts)
    done = run(
        "repaint", photo, *TINY, "--parts", parts, "-o", tmp_path / "o.png", "--weight", weight,
        "--json",
    )  # fmt: skip
    assert (done.code, done.json["error"]["code"]) == (2, "bad_setting")
    assert words in done.json["error"]["message"]


def read_until(terminal: int, word: bytes | None) -> bytes:
    """What a program writes to a terminal until `word` comes, or until it ends."""
    shown = b""
    while word is None or word not in shown:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux: nobody has the other end open any more
            break
        if not data:
            break
        shown += data
    return shown


def test_ctrl_c_ends_cleanly(bundles: Path, photo: Path, home: Path) -> None:
    """Interrupted in the middle of work that would take for ever."""
    (home / "bundles").symlink_to(bundles)
    kept = {p.name for p in photo.parent.iterdir()}
    endless = [
        sys.executable, "-m", "backend.cli", "sample", "--bundle", "tiny", "--count", "1000000",
        "-o", str(photo.parent / "out.png"), "--json",
    ]  # fmt: skip
    terminal, end = pty.openpty()  # the progress bar, which needs one, tells when
    termios.tcsetwinsize(end, (24, 80))
    with subprocess.Popen(
        endless, cwd=PROJECT, stdout=subprocess.PIPE, stderr=end, text=True, start_new_session=True
    ) as process:
        os.close(end)
        try:
            shown = read_until(terminal, b"Sampling")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=100)
            shown += read_until(terminal, None)
        finally:
            process.kill()
            os.close(terminal)
    assert process.returncode == 130
    assert b"editgan: Interrupted." in shown and b"Traceback" not in shown
    assert json.loads(out)["error"]["code"] == "cancelled"
    assert {p.name for p in photo.parent.iterdir()} == kept
