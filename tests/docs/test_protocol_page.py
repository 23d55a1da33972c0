"""docs/protocol.md is what other clients are written after: it leaves out nothing."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.messages import MESSAGES, Message
from protocol.typed import Pixels

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs/protocol.md").read_text(encoding="utf-8")
CODE = re.compile(
    r"""(?:^    code = |(?:ErrorReply|BackendError)\(\s*)"([a-z_]+)\"""", re.MULTILINE
)
# No backend answers with these: they end `editgan serve` or `editgan import`, or are renamed.
ON_THE_COMMAND_LINE = {
    "download",
    "bad_checkpoint",
    "bad_stack",
    "cannot_start",
    "cannot_listen",
    "no_encryption",
    "not_found",
}


def dataclasses_in(hint: object) -> Iterator[type]:
    """The dataclasses, other than Pixels, that an annotation is made of."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and hint is not Pixels:
        yield hint
    for argument in typing.get_args(hint):
        yield from dataclasses_in(argument)


def fields_of(cls: type) -> Iterator[str]:
    """The names of all fields, those of parts included."""
    for name, hint in typing.get_type_hints(cls).items():
        yield name
        for part in dataclasses_in(hint):
            yield from fields_of(part)


@pytest.mark.parametrize("cls", MESSAGES.values(), ids=MESSAGES)
def test_every_message_and_field_is_named(cls: type[Message]) -> None:
    assert f"`{cls.__name__}`" in PAGE
    assert [name for name in fields_of(cls) if f"`{name}`" not in PAGE] == []


def test_every_error_code_is_explained() -> None:
    sources = [
        p for d in ("backend", "edit_library", "protocol") for p in (PROJECT / d).rglob("*.py")
    ]
    codes = {code for path in sources for code in CODE.findall(path.read_text(encoding="utf-8"))}
    assert len(codes) > 20
    assert {code for code in codes - ON_THE_COMMAND_LINE if f"`{code}`" not in PAGE} == set()
