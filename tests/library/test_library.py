"""Saving, finding, renaming and deleting edits, also when the disk or other files are bad."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edit_library import (
    BadEdit,
    EditExists,
    EditInfo,
    EditNotFound,
    EditNotWritable,
    Library,
    WrongBundleEdit,
)

SHA = "ab" * 32
VECTOR = np.linspace(-1, 1, 10 * 16, dtype=np.float32).reshape(10, 16)
PICTURE = np.full((40, 60, 3), (200, 120, 40), np.uint8)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A user's library, and one preset `smile` for the bundle `faces`."""
    save(Library.for_presets(tmp_path / "presets"), "smile", title="Smile")
    return Library(tmp_path / "user", tmp_path / "presets")


def save(library: Library, name: str, **changes: object) -> EditInfo:
    values: dict[str, object] = {"generator_sha": SHA, "parts": ("mouth",), **changes}
    bundle = str(values.pop("bundle", "faces"))
    vector = values.pop("vector", VECTOR)
    return library.save(bundle, name, vector, **values)  # type: ignore[arg-type]


def files_under(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_a_saved_edit_comes_back(library: Library) -> None:
    save(
        library,
        "Bigger eyes",
        description="As if surprised",
        parts=["eyes", "skin"],
        low=-0.5,
        high=1.5,
        default=0.75,
        learnt_from=3,
        license="CC0",
        attribution="A. Photographer",
        before=PICTURE,
        after=255 - PICTURE,
    )
    edit = library.get("faces", "bigger-eyes")
    info = edit.info
    assert np.array_equal(edit.vector, VECTOR) and edit.vector.dtype == np.float32
    assert (info.title, info.description) == ("Bigger eyes", "As if surprised")
    assert (info.low, info.high, info.default, info.learnt_from) == (-0.5, 1.5, 0.75, 3)
    assert (info.parts, info.source, info.license) == (("eyes", "skin"), "user", "CC0")
    assert (info.n_ws, info.w_dim, info.generator_sha256) == (10, 16, SHA)
    assert info.before is not None and info.before[8:12] == b"WEBP"
    assert info.after is not None and info.after != info.before


def test_an_edit_is_found_by_its_title_too(library: Library) -> None:
    save(library, "Größere Augen!")
    save(library, "grin", title="A broad grin")
    assert library.get("faces", "größere augen!").info.name == "grossere-augen"
    assert library.get("faces", "A broad grin").info.name == "grin"


def test_presets_come_first_then_by_title(library: Library) -> None:
    save(library, "Älter")
    save(library, "big")
    save(library, "other", bundle="cats")
    assert [i.title for i in library.list("faces")] == ["Smile", "big", "Älter"]
    assert {i.bundle for i in library.list()} == {"faces", "cats"}
    assert library.list("dogs") == [] and library.list("../faces") == []


def test_search_wants_every_word_somewhere(library: Library) -> None:
    save(library, "Wide eyes", description="Like a Surprise", parts=("eyes",))
    assert [i.name for i in library.search("surprise EYES")] == ["wide-eyes"]
    assert [i.name for i in library.search("mouth", "faces")] == ["smile"]
    assert library.search("eyes nonsense") == []


def test_a_broken_edit_does_not_break_the_list(library: Library, tmp_path: Path) -> None:
    good = save(library, "good")
    for name, content in {
        "no-json": None,
        "half-json": b'{"format": "editgan-edit", "name"',
        "not-utf8": b"\xff\xfe{",
        "foreign": b'{"format": "something else"}',
        "deep": b"[" * 60_000,
        "newer": json.dumps({**good.to_json(), "name": "newer", "format_version": 99}).encode(),
        "renamed-by-hand": (good.folder / "edit.json").read_bytes(),
    }.items():
        folder = tmp_path / "user" / "faces" / name
        folder.mkdir()
        (folder / "vector.safetensors").write_bytes(b"")
        if content is not None:
            (folder / "edit.json").write_bytes(content)
    (tmp_path / "user" / "faces" / "a file").write_text("not a folder")
    assert [i.name for i in library.list()] == ["smile", "good"]
    reasons = {b.name: b.reason for b in library.broken("faces")}
    assert len(reasons) == 7 and all(reason.endswith(".") for reason in reasons.values())
    assert "update EditGAN" in reasons["newer"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"\x80\x04\x95pickle",
        lambda data: data[:-4] + np.float32(np.nan).tobytes(),
    ],
    ids=["truncated", "empty", "pickle", "nan"],
)
def test_a_damaged_vector_is_a_clear_error(library: Library, damage) -> None:
    path = save(library, "hurt").folder / "vector.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadEdit, match="'hurt' is damaged"):
        library.get("faces", "hurt")
    assert "hurt" in [i.name for i in library.list()]  # its description is fine


def test_a_vector_of_another_shape_than_described_is_refused(library: Library) -> None:
    one = save(library, "one")
    two = save(library, "two", vector=VECTOR[:8])
    (two.folder / "vector.safetensors").replace(one.folder / "vector.safetensors")
    with pytest.raises(BadEdit, match=r"\[8, 16\].*\[10, 16\]"):
        library.get("faces", "one")


@pytest.mark.parametrize(
    "changes",
    [
        {"vector": np.full((10, 16), np.inf, np.float32)},
        {"vector": np.full((10, 16), 1e300)},
        {"vector": VECTOR.ravel()},
        {"vector": np.zeros((10, 16), np.int32)},
        {"vector": np.zeros((0, 16), np.float32)},
        {"low": 1.0, "high": 1.0},
        {"default": 3.0},
        {"high": float("nan")},
        {"parts": ()},
        {"generator_sha": "not a hash"},
        {"title": "two\nlines"},
        {"title": "x" * 500},
        {"bundle": "../elsewhere"},
        {"before": np.zeros((4, 4), np.uint8)},
        {"before": b"not webp"},
    ],
)
def test_unsound_values_are_refused_and_nothing_is_written(
    library: Library, tmp_path: Path, changes: dict[str, object]
) -> None:
    with pytest.raises(BadEdit):
        save(library, "bad", **changes)
    assert files_under(tmp_path / "user") == set()


def test_a_name_can_be_used_once(library: Library) -> None:
    first = save(library, "Mine", description="first")
    with pytest.raises(EditExists, match="choose another name"):
        save(library, "mine")
    assert library.get("faces", "mine").info.description == first.description
    save(library, "mine", description="second", overwrite=True)
    assert library.get("faces", "mine").info.description == "second"
    trashed = list((library.user_dir / ".trash" / "faces").iterdir())
    assert len(trashed) == 1
    assert json.loads((trashed[0] / "edit.json").read_text())["description"] == "first"


def test_a_presets_name_is_taken(library: Library) -> None:
    with pytest.raises(EditExists, match="preset"):
        save(library, "smile", overwrite=True)


def test_a_users_edit_is_not_hidden_by_a_later_preset(library: Library) -> None:
    save(library, "grin", description="mine")
    save(Library.for_presets(library.presets_dir), "grin", description="theirs")
    assert library.get("faces", "grin").info.description == "mine"
    assert [i.description for i in library.list() if i.name == "grin"] == ["mine"]


def test_presets_are_read_only(library: Library) -> None:
    before = files_under(library.presets_dir)
    for change in (
        lambda: library.delete("faces", "smile"),
        lambda: library.rename("faces", "smile", "grin"),
    ):
        with pytest.raises(EditNotWritable, match="preset"):
            change()
    assert files_under(library.presets_dir) == before


def test_rename_changes_name_and_title_and_keeps_the_rest(library: Library) -> None:
    save(library, "Old", description="kept", before=PICTURE)
    library.rename("faces", "old", "Neuer Name")
    edit = library.get("faces", "neuer-name")
    assert (edit.info.title, edit.info.description) == ("Neuer Name", "kept")
    assert np.array_equal(edit.vector, VECTOR) and edit.info.before
    with pytest.raises(EditNotFound):
        library.get("faces", "old")


def test_rename_to_another_spelling_of_the_same_name(library: Library) -> None:
    save(library, "my edit")
    assert library.rename("faces", "my edit", "My Edit").title == "My Edit"
    assert [i.title for i in library.list()] == ["Smile", "My Edit"]


def test_rename_onto_another_edit_is_refused_and_harms_neither(library: Library) -> None:
    save(library, "one", description="1")
    save(library, "two", description="2")
    with pytest.raises(EditExists):
        library.rename("faces", "one", "two")
    assert {i.description for i in library.list() if i.source == "user"} == {"1", "2"}


def test_delete_moves_to_the_trash(library: Library) -> None:
    save(library, "gone")
    where = library.delete("faces", "gone")
    assert (where / "vector.safetensors").is_file() and ".trash" in where.parts
    assert [i.name for i in library.list()] == ["smile"]
    save(library, "gone")
    assert library.delete("faces", "gone") != where


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "../smile", "a/b", "nope", "CON", "\0", "x" * 999]
)
def test_names_that_are_not_there(library: Library, name: str) -> None:
    for call in (library.get, library.delete):
        with pytest.raises(EditNotFound):
            call("faces", name)
        with pytest.raises(EditNotFound):
            call("../presets/faces", name)


def test_a_full_disk_leaves_nothing_behind(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = save(library, "kept")
    before = files_under(library.user_dir)
    calls = []

    def no_space(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:  # the description fits, the vector does not
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(EditNotWritable, match="No space left"):
        save(library, "new")
    calls.clear()
    with pytest.raises(EditNotWritable):
        save(library, "kept", description="changed", overwrite=True)
    assert files_under(library.user_dir) == before
    assert library.get("faces", "kept").info == kept


def test_a_failed_replacement_puts_the_old_edit_back(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = save(library, "kept")
    rename = Path.rename

    def fails_for_the_new_one(self: Path, target: Path) -> Path:
        if self.name.startswith(".new-"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_for_the_new_one)
    with pytest.raises((EditNotWritable, EditExists)):
        save(library, "kept", description="changed", overwrite=True)
    assert library.get("faces", "kept").info == kept
    assert not list(library.user_dir.glob(".new-*"))


def test_an_unwritable_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("a file where the folder should be")
    with pytest.raises(EditNotWritable, match="could not be saved"):
        save(Library(tmp_path / "user", tmp_path / "none"), "new")


def test_of_many_savers_one_wins(library: Library) -> None:
    outcomes: list[str] = []

    def attempt(index: int) -> None:
        try:
            save(library, "same", description=str(index))
            outcomes.append("saved")
        except EditExists:
            outcomes.append("exists")

    threads = [threading.Thread(target=attempt, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["exists"] * 7 + ["saved"]
    assert not list(library.user_dir.glob(".new-*"))
    assert np.array_equal(library.get("faces", "same").vector, VECTOR)


def test_an_edit_belongs_to_one_generator(library: Library) -> None:
    info = library.get("faces", "smile").info
    info.check_generator(SHA, (10, 16))
    for sha, shape in (("cd" * 32, (10, 16)), (SHA, (8, 16))):
        with pytest.raises(WrongBundleEdit) as caught:
            info.check_generator(sha, shape)
        assert caught.value.code == "wrong_bundle"
        assert "editgan learn" in caught.value.message


def test_large_pictures_become_small_thumbnails(library: Library) -> None:
    import io

    from PIL import Image

    noise: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 255, (900, 1200, 3), np.uint8)
    info = save(library, "big", after=noise)
    assert info.after is not None
    assert Image.open(io.BytesIO(info.after)).size == (256, 192)


# --- folders that somebody else filled ------------------------------------------------------------


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)


@pytest.mark.parametrize("make", [fifo, device, sparse, Path.mkdir])
@pytest.mark.parametrize("name", ["edit.json", "vector.safetensors"])
def test_what_is_no_file_makes_an_edit_broken(library: Library, make: object, name: str) -> None:
    save(library, "good")
    folder = save(library, "odd").folder
    (folder / name).unlink()
    make(folder / name)  # type: ignore[operator]
    assert [info.name for info in library.list("faces")] == ["smile", "good"]
    assert [broken.name for broken in library.broken()] == ["odd"]
    with pytest.raises(BadEdit, match="odd"):
        library.get("faces", "odd")


@pytest.mark.parametrize("make", [fifo, device, sparse, Path.mkdir])
def test_what_is_no_thumbnail_is_none(library: Library, make: object) -> None:
    info = save(library, "odd", before=PICTURE, after=PICTURE)
    (info.folder / "before.webp").unlink()
    make(info.folder / "before.webp")  # type: ignore[operator]
    (found,) = (one for one in library.list("faces") if one.name == "odd")
    assert found.before is None and found.after


@pytest.mark.parametrize("value", [1e38, -1e38, 2e4])
def test_vectors_that_no_edit_has(library: Library, value: float) -> None:
    with pytest.raises(BadEdit, match="beyond"):
        save(library, "far", vector=np.full((10, 16), value, np.float32))


def test_texts_that_cannot_be_printed(library: Library) -> None:
    folder = save(library, "odd").folder
    text = (folder / "edit.json").read_text()
    (folder / "edit.json").write_text(text.replace('"description": ""', '"description": "\\ud800"'))
    assert [broken.name for broken in library.broken()] == ["odd"]


# --- interrupted ----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["rename", "rmtree"])
def test_a_rename_that_is_interrupted_leaves_whole_edits(
    library: Library, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever is done last is never done: the process is killed."""
    save(library, "old", before=PICTURE)

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    real = Path.rename
    with monkeypatch.context() as patch, pytest.raises(Killed):
        if step == "rename":  # the old name's; the new one is published before
            patch.setattr(Path, "rename", lambda a, b: killed() if a.name == "old" else real(a, b))
        patch.setattr("edit_library.storage.shutil.rmtree", killed)
        library.rename("faces", "old", "new")
    names = {info.name for info in library.list("faces") if info.source == "user"}
    assert "new" in names and names <= {"old", "new"}
    assert library.broken() == []
    assert np.array_equal(library.get("faces", "new").vector, VECTOR)
    save(library, "free again", title="x")


def test_what_was_left_half_done_is_swept_when_it_is_old(library: Library) -> None:
    save(library, "good")
    for name in (".new-old", ".new-young"):
        (library.user_dir / name).mkdir()
        (library.user_dir / name / "edit.json").write_text("{")
    (library.user_dir / ".new-file").write_text("")
    for name in (".new-old", ".new-file"):
        os.utime(library.user_dir / name, (0, 0))
    assert library.sweep() == 2
    hidden = {path.name for path in library.user_dir.iterdir() if path.name.startswith(".")}
    assert hidden == {".new-young"}
    assert [info.name for info in library.list("faces")] == ["smile", "good"]


def test_nothing_to_sweep(tmp_path: Path) -> None:
    assert Library(tmp_path / "none").sweep() == 0
