"""A batch that is killed at any moment goes on: nothing twice, nothing lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from backend.batch import manifest as manifests
from backend.batch.manifest import FOLDER, Manifest, opened, stamp_of
from backend.batch.tasks import Outcome
from backend.errors import BadSetting

NAME = "a.jpg"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "in" / NAME
    path.parent.mkdir()
    path.write_bytes(b"a photo")
    return path


def outcome(photo: Path, result: bytes) -> Outcome:
    return Outcome(
        0, "edited", hashlib.sha256(photo.read_bytes()).hexdigest(), size=len(result),
        result_sha=hashlib.sha256(result).hexdigest(), data=result, before=b"1", after=b"2",
    )  # fmt: skip


def commit(manifest: Manifest, photo: Path, result: bytes, settings: str = "s") -> None:
    manifest.commit(outcome(photo, result), NAME, photo, stamp_of(photo), settings)


def state(out: Path, photo: Path, settings: str = "s") -> str:
    with opened(out) as manifest:
        return manifest.state(NAME, photo, settings)


def test_what_is_done_is_not_done_again(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert state(out, photo) == "new"
    with opened(out) as manifest:
        commit(manifest, photo, b"result")
        assert manifest.state(NAME, photo, "s") == "done"
    assert state(out, photo) == "done" and (out / NAME).read_bytes() == b"result"
    assert state(out, photo, "other") == "new"
    photo.touch()  # the same content
    assert state(out, photo) == "done"
    photo.write_bytes(b"another photo")
    assert state(out, photo) == "new"
    (out / NAME).unlink()
    assert state(out, photo) == "new"


def test_files_of_others_are_never_replaced(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / NAME).write_bytes(b"somebody's")
    assert state(out, photo) == "blocked"
    (out / NAME).unlink()
    with opened(out) as manifest:
        commit(manifest, photo, b"result")
    (out / NAME).write_bytes(b"retouched by hand")
    assert state(out, photo) == "done" and state(out, photo, "other") == "blocked"


class Killed(BaseException):
    """As far as the disk is concerned, a kill."""


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("earlier", [False, True])
def test_killed_at_every_step(
    step: int, earlier: bool, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the announcement, after it, after the result is in its place, after the note."""
    out = tmp_path / "out"
    if earlier:
        with opened(out) as manifest:
            commit(manifest, photo, b"of other settings", "former")
    steps = iter(range(10))

    def die_at(function: object) -> object:
        def dying(*args: object) -> object:
            if next(steps) == step:
                raise Killed
            return function(*args)  # type: ignore[operator]

        return dying

    with opened(out) as manifest, monkeypatch.context() as patched:
        for name in ("_append", "_put"):
            patched.setattr(manifest, name, die_at(getattr(manifest, name)))
        patched.setattr(manifest, "_done", manifest._done)
        if step < 3:
            with pytest.raises(Killed):
                commit(manifest, photo, b"result")
        else:
            commit(manifest, photo, b"result")
    there = step >= 2  # the result is in its place
    assert state(out, photo) == ("done" if there else "new")
    if not there and earlier:
        assert (out / NAME).read_bytes() == b"of other settings"
    with opened(out) as manifest:
        if not there:
            commit(manifest, photo, b"result")
        assert manifest.state(NAME, photo, "s") == "done"
    assert (out / NAME).read_bytes() == b"result"


def test_a_line_that_was_cut_short_is_forgotten(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with opened(out) as manifest:
        commit(manifest, photo, b"result")
    path = out / FOLDER / "manifest.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines()[-1][:40])
    assert state(out, photo) == "done"
    assert path.read_bytes() == whole


def test_names_that_are_no_unicode(photo: Path, tmp_path: Path) -> None:
    out, name = tmp_path / "out", "caf\udce9.jpg"
    with opened(out) as manifest:
        manifest.commit(outcome(photo, b"result"), name, photo, stamp_of(photo), "s")
    with opened(out) as manifest:
        assert manifest.state(name, photo, "s") == "done"


def test_one_batch_at_a_time(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "out"),
        pytest.raises(BadSetting, match="Another batch"),
        opened(tmp_path / "out"),
    ):
        pass


def test_a_newer_manifest_is_refused(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    state(out, photo)
    path = out / FOLDER / "manifest.jsonl"
    text = path.read_text().replace('"format_version": 1', '"format_version": 2')
    assert text != path.read_text()
    path.write_text(text)
    with pytest.raises(BadSetting, match="newer"):
        state(out, photo)


def test_what_a_kill_left_half_done_is_removed(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    state(out, photo)
    (out / FOLDER / "staged" / "0-x.jpg").write_bytes(b"half")
    state(out, photo)
    assert not list((out / FOLDER / "staged").iterdir())
    assert manifests.FOLDER.startswith(".")
