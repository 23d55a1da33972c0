"""Files that others may have written: what is no plain file, or too large, is an error at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from protocol.bounded_file import parse_json, read, read_json


def test_files_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="larger"):
        read(tmp_path / "a", 4)


def test_what_is_no_plain_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "zero", "folder", "missing"):
        with pytest.raises(OSError):
            read(tmp_path / name, 100)


def test_a_sparse_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="larger"):
        read(tmp_path / "sparse", 1 << 20)


def test_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": [1, 2.5, "ä"]}', encoding="utf-8")
    assert read_json(tmp_path / "a.json", 100) == {"a": [1, 2.5, "ä"]}


@pytest.mark.parametrize(
    "text",
    [b"", b"nope", b"NaN", b"[-Infinity]", b"1e999", b"[" * 100_000, b'{"a":' * 100_000,
     b'"\\ud800"', b"\xff\xfe", b"1" * 5000, b"[1,]"],
)  # fmt: skip
def test_unsound_json(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)
