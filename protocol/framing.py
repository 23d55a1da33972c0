"""One message <-> the frames of one ZeroMQ multipart message: a msgpack header, then raw pixels.

header: {"type": class name, "job": id made by the client, "fields": {...}}; Pixels in the fields
name their frame.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgpack

from protocol import PROTOCOL_VERSION
from protocol.counting import check_count
from protocol.messages import MESSAGES, Message
from protocol.typed import (
    MAX_BYTES,
    MAX_ITEMS,
    MAX_TEXT,
    MAX_VALUES,
    Buffer,
    Incoming,
    ProtocolError,
    WrongVersionError,
    from_wire,
    to_wire,
)

MAX_HEADER = 16 << 20  # what the backend may send: thumbnails of many edits
MAX_REQUEST = (1 << 20) + (64 << 10)  # a header from a client: an `.editgan` file fits
MAX_FRAME = 512 << 20  # 24 megapixels of R'G'B'A float are 384 MiB
MAX_CONTROL_FRAME = 64 << 10  # what a client may send on the control socket
MAX_FRAMES = 512
_JOB = re.compile(r"[0-9A-Za-z_-]{1,64}")


def pack(job: str, message: Message) -> list[Buffer]:
    """The frames of `message`. Raises ProtocolError for what `unpack` would refuse."""
    frames: list[Buffer] = []
    fields = to_wire(message, frames)
    from_wire(type(message), fields, frames, type(message).__name__)
    header = msgpack.packb(
        {"type": type(message).__name__, "job": job, "fields": fields},
        unicode_errors="backslashreplace",  # paths may hold what is no text
    )
    _check_sizes([header, *frames], MAX_HEADER)
    return [header, *frames]


def unpack(frames: Sequence[Buffer], max_header: int = MAX_HEADER) -> tuple[str, Message]:
    """The job id and the message. Raises ProtocolError for anything but a well-formed message.

    max_header: bytes; MAX_REQUEST for what clients send, whose values are counted beforehand.
    """
    if not frames:
        raise ProtocolError("an empty message")
    _check_sizes(frames, max_header)
    if max_header <= MAX_REQUEST:
        check_count(frames[0], MAX_VALUES)
    header = _header(frames[0])
    job, name, fields = header["job"], header["type"], header["fields"]
    try:
        return job, _message(name, fields, frames[1:])
    except ProtocolError as error:
        error.job = job
        raise


def _message(name: object, fields: object, frames: Sequence[Buffer]) -> Message:
    if not isinstance(name, str) or name not in MESSAGES:
        shown = name[:40] if isinstance(name, str) else type(name).__name__
        raise ProtocolError(f"unknown message {shown!r}")
    if name in ("Hello", "Welcome") and isinstance(fields, dict):
        # before anything else: other versions may have other fields
        version = fields.get("version")
        if version != PROTOCOL_VERSION:
            raise WrongVersionError(version)
    incoming = Incoming(frames)
    message: Message = from_wire(MESSAGES[name], fields, incoming, name)
    incoming.check_all_used()
    return message


def _header(frame: Buffer) -> dict[str, Any]:
    try:
        # a fresh call per message: an Unpacker must not be used again after an error
        header = msgpack.unpackb(
            frame,
            raw=False,
            strict_map_key=True,
            max_str_len=4 * MAX_TEXT,
            max_bin_len=MAX_BYTES,
            max_array_len=MAX_ITEMS,
            max_map_len=MAX_ITEMS,
            max_ext_len=0,
        )
    except (ValueError, TypeError, RecursionError, OverflowError, msgpack.UnpackException) as error:
        raise ProtocolError(f"the header is not msgpack: {str(error)[:200]}") from None
    if not isinstance(header, dict) or set(header) != {"type", "job", "fields"}:
        raise ProtocolError("the header must have the keys type, job and fields")
    job = header["job"]
    if not isinstance(job, str) or (job and not _JOB.fullmatch(job)):
        raise ProtocolError("the job id must be 1 to 64 letters or digits")
    return header


def _check_sizes(frames: Sequence[Buffer], max_header: int) -> None:
    if len(frames) > MAX_FRAMES:
        raise ProtocolError(f"{len(frames)} frames, more than {MAX_FRAMES}")
    if any(memoryview(frame).nbytes > MAX_FRAME for frame in frames):
        raise ProtocolError(f"a frame is larger than {MAX_FRAME >> 20} MiB")
    if memoryview(frames[0]).nbytes > max_header:
        raise ProtocolError("the header is too large")
