"""`.editgan-stack` files: what is saved comes back, and what is no stack is said to be none."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from protocol.stack_file import (
    BadStack,
    EditStack,
    StackEdit,
    parse_stack,
    read_stack,
    stack_to_json,
    vector_pixels,
)

VECTOR = vector_pixels(struct.pack("<6f", *range(6)), 2, 3)
STACK = EditStack(
    "faces",
    "0" * 64,
    (
        StackEdit("smile", "Smile", ("mouth",), VECTOR, 0.4, -0.5, 1.25, 1.0),
        StackEdit("painted-1", "Gemalt", ("lip", "nose"), VECTOR, -1.0, kind="repaint", on=False),
        StackEdit("eyes", "Eyes", ("eyes",), VECTOR, 0.0),
    ),
    refine=10,
)


def changed(**values: Any) -> bytes:
    return json.dumps({**json.loads(stack_to_json(STACK)), **values}).encode()


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "my.editgan-stack"
    path.write_bytes(stack_to_json(STACK))
    assert read_stack(path) == STACK
    assert [edit.name for edit in STACK.counting] == ["smile", "eyes"]


def test_a_newer_format_is_said_to_be_newer() -> None:
    with pytest.raises(BadStack, match=r"a\.editgan-stack was saved by a newer EditGAN \(format 2"):
        parse_stack(changed(format_version=2, soul="new"), "a.editgan-stack")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        changed(format="editgan-edit"),
        changed(rasters=["AAAA"] * 3),
        changed(rasters=["no base64!"] * 3),
        changed(rasters=[]),
        changed(generator_sha256="0"),
        changed(edits=[{"name": "smile"}]),
        changed(refine=-1),
        changed(further="field"),
        changed(rasters=None),
    ],
)
def test_what_is_no_stack_is_refused_by_a_sentence(data: bytes) -> None:
    with pytest.raises(BadStack, match=r"^bad\.editgan-stack .*; (save|name) .*\.$"):
        parse_stack(data, "bad.editgan-stack")


def test_values_that_are_no_numbers_are_refused() -> None:
    nan = vector_pixels(struct.pack("<6f", *[float("nan")] * 6), 2, 3)
    stack = EditStack("faces", "0" * 64, (StackEdit("a", "A", ("b",), nan, 1.0),))
    with pytest.raises(BadStack, match="finite"):
        parse_stack(stack_to_json(stack), "a.editgan-stack")


def test_vectors_of_one_stack_have_one_shape() -> None:
    other = vector_pixels(struct.pack("<6f", *range(6)), 3, 2)
    edits = (STACK.edits[0], StackEdit("b", "B", ("nose",), other, 1.0))
    with pytest.raises(BadStack, match="one shape"):
        parse_stack(stack_to_json(EditStack("faces", "0" * 64, edits)), "a.editgan-stack")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadStack, match=r"gone\.editgan-stack cannot be read"):
        read_stack(tmp_path / "gone.editgan-stack")
