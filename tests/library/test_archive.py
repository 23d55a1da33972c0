"""`.editgan` files: what is exported can be imported, and nothing else can."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edit_library import BadEdit, EditExists, EditNotFound, EditNotWritable, Library

VECTOR = np.arange(10 * 8, dtype=np.float32).reshape(10, 8)
Files = dict[str, bytes]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "user", tmp_path / "presets")


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """An edit "Smile" exported by somebody else."""
    other = Library(tmp_path / "other", tmp_path / "none")
    picture = np.zeros((32, 32, 3), np.uint8)
    other.save(
        "faces", "Smile", VECTOR, generator_sha="0" * 64, parts=("mouth",),
        description="笑顔", before=picture, after=picture + 9,
    )  # fmt: skip
    return other.export("faces", "smile", tmp_path)


def unpack(path: Path) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_export_and_import_keep_everything(library: Library, exported: Path) -> None:
    assert exported.name == "smile.editgan"
    info = library.import_file(exported)
    edit = library.get("faces", "smile")
    assert np.array_equal(edit.vector, VECTOR)
    assert (info.title, info.description, info.source) == ("Smile", "笑顔", "user")
    assert edit.info.before and edit.info.after and edit.info.before != edit.info.after


def test_the_same_edit_gives_the_same_file(
    library: Library, exported: Path, tmp_path: Path
) -> None:
    library.import_file(exported)
    again = library.export("faces", "smile", tmp_path / "again.editgan")
    assert again.read_bytes() == exported.read_bytes()


def test_import_of_a_taken_name(library: Library, exported: Path) -> None:
    library.import_file(exported)
    with pytest.raises(EditExists):
        library.import_file(exported)
    assert library.import_file(exported, name="Their Smile").name == "their-smile"
    library.import_file(exported, overwrite=True)
    assert [i.title for i in library.list()] == ["Smile", "Their Smile"]


def test_an_export_that_cannot_be_written(library: Library, exported: Path, tmp_path: Path) -> None:
    library.import_file(exported)
    with pytest.raises(EditNotWritable, match="no folder"):
        library.export("faces", "smile", tmp_path / "no such folder" / "x.editgan")
    (tmp_path / "out" / "smile.editgan").mkdir(parents=True)
    with pytest.raises(EditNotWritable, match="could not be exported"):
        library.export("faces", "smile", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["smile.editgan"]


def test_a_file_that_is_not_there(library: Library, tmp_path: Path) -> None:
    with pytest.raises(EditNotFound):
        library.import_file(tmp_path / "nothing.editgan")


def changed_json(files: Files, **changes: object) -> Files:
    return {
        **files,
        "edit.json": json.dumps({**json.loads(files["edit.json"]), **changes}).encode(),
    }


def big_webp() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(buffer, "WEBP")
    return buffer.getvalue()


BAD_FILES = {
    "a path out of the folder": lambda f: {**f, "../../evil.json": b"{}"},
    "an absolute path": lambda f: {**f, "/tmp/evil": b""},
    "a file no edit has": lambda f: {**f, "code.py": b"print()"},
    "a subfolder": lambda f: {**f, "sub/edit.json": b"{}"},
    "no vector": lambda f: {"edit.json": f["edit.json"]},
    "no description": lambda f: {"vector.safetensors": f["vector.safetensors"]},
    "a pickle for a vector": lambda f: {**f, "vector.safetensors": pickle.dumps(VECTOR)},
    "a zip bomb": lambda f: {**f, "before.webp": b"\0" * (200 << 20)},
    "a huge description": lambda f: changed_json(f, description="x" * 100_000),
    "a name with a path": lambda f: changed_json(f, name="../../evil"),
    "a bundle with a path": lambda f: changed_json(f, bundle="../evil"),
    "a device's name": lambda f: changed_json(f, name="con"),
    "no title": lambda f: changed_json(f, title=None),
    "a wrong width": lambda f: changed_json(f, w_dim=9),
    "a huge width": lambda f: changed_json(f, w_dim=10**9),
    "a scale that is text": lambda f: changed_json(f, low="low"),
    "a scale beyond all numbers": lambda f: {
        **f, "edit.json": f["edit.json"].replace(b'"high": 2.0', b'"high": 1e999')
    },
    "parts that are numbers": lambda f: changed_json(f, parts=[1, 2]),
    "true for a number": lambda f: changed_json(f, learnt_from=True),
    "a thumbnail that is no picture": lambda f: {**f, "after.webp": b"GIF89a"},
    "a huge thumbnail": lambda f: {**f, "after.webp": big_webp()},
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_and_writes_nothing(
    library: Library, exported: Path, tmp_path: Path, kind: str
) -> None:
    path = pack(tmp_path / "bad.editgan", BAD_FILES[kind](unpack(exported)))
    before = {p for p in tmp_path.rglob("*")}
    with pytest.raises(BadEdit) as caught:
        library.import_file(path)
    assert "bad.editgan" in caught.value.message
    assert {p for p in tmp_path.rglob("*")} == before


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_file_twice_is_refused(library: Library, exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "twice.editgan"
    path.write_bytes(exported.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("edit.json", b"{}")
    with pytest.raises(BadEdit, match="twice"):
        library.import_file(path)


@pytest.mark.parametrize("cut", [0, 1, 30, 200, -30, -1])
def test_a_truncated_file_is_refused(
    library: Library, exported: Path, tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "short.editgan"
    path.write_bytes(exported.read_bytes()[:cut])
    with pytest.raises(BadEdit):
        library.import_file(path)
    assert library.list() == []


def test_a_flipped_bit_in_the_vector_is_noticed(
    library: Library, exported: Path, tmp_path: Path
) -> None:
    data = bytearray(exported.read_bytes())
    with zipfile.ZipFile(exported) as archive:
        info = archive.getinfo("vector.safetensors")
    data[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 0xFF
    path = tmp_path / "flipped.editgan"
    path.write_bytes(data)
    with pytest.raises(BadEdit):
        library.import_file(path)


def test_a_header_that_lies_about_the_size_does_not_unpack_more(
    library: Library, exported: Path, tmp_path: Path
) -> None:
    """A bomb whose directory claims a harmless size."""
    path = pack(tmp_path / "liar.editgan", {**unpack(exported), "before.webp": b"\0" * (64 << 20)})
    data, size = path.read_bytes(), (64 << 20).to_bytes(4, "little")
    assert size in data
    path.write_bytes(data.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(BadEdit):
        library.import_file(path)
