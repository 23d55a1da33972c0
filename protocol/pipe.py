"""Multipart messages on a pipe, as the bridge and its client exchange them.

One message: channel (1 byte), number of frames (uint32), each frame's length (uint64), then the
frames; all little-endian. The limits are those of the sockets.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import IO

from protocol.framing import MAX_FRAME, MAX_FRAMES
from protocol.links import Channel
from protocol.typed import Buffer

_HEAD = struct.Struct("<cI")
CHANNELS: dict[Channel, bytes] = {"jobs": b"J", "control": b"C"}
SETUP = b"S"  # the first message of each side: what to connect to, and how that went
START = "start"  # the setup's key, in place of where to connect: this user's own backend
_NAMES = {SETUP, *CHANNELS.values()}


def write(stream: IO[bytes], mark: bytes, frames: Sequence[Buffer]) -> None:
    """Write one message and flush. Raises OSError, ValueError (a closed stream)."""
    views = [memoryview(frame).cast("B") for frame in frames]
    lengths = struct.pack(f"<{len(views)}Q", *(view.nbytes for view in views))
    stream.write(_HEAD.pack(mark, len(views)) + lengths)
    for view in views:
        stream.write(view)
    stream.flush()


def read(stream: IO[bytes]) -> tuple[bytes, list[bytes]]:
    """The next message: its channel's mark and its frames.

    Raises EOFError at the end, in the middle of a message too, and for what is no message.
    """
    mark, count = _HEAD.unpack(_exactly(stream, _HEAD.size))
    if mark not in _NAMES or count > MAX_FRAMES:
        raise EOFError("something else than messages is on the pipe")
    lengths = struct.unpack(f"<{count}Q", _exactly(stream, 8 * count))
    if any(length > MAX_FRAME for length in lengths):
        raise EOFError("a frame is too large")
    return mark, [_exactly(stream, length) for length in lengths]


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)  # a buffered stream waits for all of it
    if len(data) < size:
        raise EOFError("the pipe was closed")
    return data
