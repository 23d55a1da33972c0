"""A stack of edits as a file, `.editgan-stack`: the same edits on another photo, or on thousands.

It is complete in itself: it holds the editing vectors, so that it needs no library, and what was
painted by hand travels too. JSON, rasters as base64; the plug-in and the backend read it alike.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from protocol import bounded_file
from protocol.errors import UserError
from protocol.messages.fields import Latent, Name, Scale
from protocol.typed import Buffer, Matches, Pixels, ProtocolError, Range, from_wire, to_wire

FORMAT = "editgan-stack"
FORMAT_VERSION = 1
SUFFIX = ".editgan-stack"
_LARGEST = 64 << 20  # bytes of a file

Sha256 = Annotated[
    str, Matches(lambda s: re.fullmatch("[0-9a-f]{64}", s) is not None, "a SHA-256 in hex")
]


class BadStack(UserError):
    """A file holds no stack of edits, or one that cannot be used here."""

    code = "bad_stack"


@dataclass(frozen=True)
class StackEdit:
    """An edit of a stack, and how strong it is.

    vector: float32 [n_ws, w_dim]. parts: Q_edit. low, high, default: the scales that a slider
    offers. kind: whether it came from the library or was painted. on: whether it counts.
    """

    name: Name
    title: Name
    parts: tuple[Name, ...]
    vector: Latent
    scale: Scale
    low: Scale = -1.0
    high: Scale = 1.0
    default: Scale = 1.0
    kind: Literal["edit", "repaint"] = "edit"
    on: bool = True


@dataclass(frozen=True)
class EditStack:
    """Edits that are applied together.

    bundle, generator_sha256: the model whose W+ the vectors live in. refine: steps of refinement.
    """

    bundle: Name
    generator_sha256: Sha256
    edits: tuple[StackEdit, ...]
    refine: Annotated[int, Range(0, 1000)] = 0

    @property
    def counting(self) -> tuple[StackEdit, ...]:
        """The edits that are switched on."""
        return tuple(edit for edit in self.edits if edit.on)


def stack_to_json(stack: EditStack) -> bytes:
    """The content of an `.editgan-stack` file."""
    frames: list[Buffer] = []
    value = to_wire(stack, frames)
    rasters = [base64.b64encode(bytes(frame)).decode("ascii") for frame in frames]
    document = {"format": FORMAT, "format_version": FORMAT_VERSION, **value, "rasters": rasters}
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def parse_stack(data: bytes, name: str) -> EditStack:
    """The stack in a file's content; `name` is the file's, for sentences. Raises BadStack."""
    try:
        document = bounded_file.parse_json(data)
    except ValueError as error:
        raise BadStack(f"{name} is not valid JSON; save the stack again.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadStack(f"{name} holds no stack of edits; name an {SUFFIX} file.")
    version = document.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BadStack(f"{name} was saved by a newer EditGAN (format {version}); update this one.")
    try:
        frames = [base64.b64decode(text, validate=True) for text in document["rasters"]]
        stack: EditStack = from_wire(EditStack, _record(document), frames, "stack")
        _check_shapes(stack)
    except (ProtocolError, KeyError, TypeError, binascii.Error) as error:
        raise BadStack(f"{name} is damaged ({error!s:.120}); save the stack again.") from error
    return stack


def read_stack(path: Path) -> EditStack:
    """The stack in a file; raises BadStack."""
    try:
        data = bounded_file.read(path, _LARGEST)
    except OSError as error:
        raise BadStack(f"{path} cannot be read: {error.strerror}; check the name.") from error
    return parse_stack(data, path.name)


def vector_pixels(data: bytes, n_ws: int, w_dim: int) -> Pixels:
    """A vector [n_ws, w_dim], little-endian float32, row after row, as a stack holds it."""
    return Pixels(w_dim, n_ws, 1, "f32", data)


def _record(document: dict[str, Any]) -> dict[str, Any]:
    about = {"format", "format_version", "rasters"}
    return {key: value for key, value in document.items() if key not in about}


def _check_shapes(stack: EditStack) -> None:
    shapes = {(edit.vector.width, edit.vector.height) for edit in stack.edits}
    if len(shapes) > 1:
        raise ProtocolError("stack.edits: expected vectors of one shape")
