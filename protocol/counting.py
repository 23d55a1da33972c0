"""How many values a msgpack text holds, counted before any of them is made.

Unpacking is one call that lets no other thread run; counting stops early and lets others run.
"""

from __future__ import annotations

import itertools

from protocol.typed import Buffer, ProtocolError


def _table() -> list[tuple[int, int]]:
    """By a value's first byte: bytes to skip behind it, and bytes that say how many more.

    Of lists and maps only their length is skipped: what they hold is counted like the rest
    (https://github.com/msgpack/msgpack/blob/master/spec.md, "Formats").
    """
    table = [(0, 0)] * 256
    table[0xA0:0xC0] = [(length, 0) for length in range(32)]  # short texts
    for first, width in ((0xC4, 1), (0xC5, 2), (0xC6, 4), (0xD9, 1), (0xDA, 2), (0xDB, 4)):
        table[first] = 0, width  # bytes and texts
    for first, width in ((0xC7, 1), (0xC8, 2), (0xC9, 4)):
        table[first] = 1, width  # extensions have a type
    numbers = {0xCA: 4, 0xCB: 8} | {
        first + i: 2**i for first in (0xCC, 0xD0) for i in range(4)
    }  # fmt: skip
    lengths = {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}  # of lists and maps
    extensions = {0xD4 + i: 1 + 2**i for i in range(5)}
    for first, skip in (numbers | lengths | extensions).items():
        table[first] = skip, 0
    return table


_TABLE = _table()


def check_count(text: Buffer, most: int) -> None:
    """Raises ProtocolError where `text` holds more than `most` values: keys, items, lists, maps."""
    data, at = memoryview(text).cast("B"), 0
    for count in itertools.count():
        if at >= len(data):
            return
        if count >= most:
            raise ProtocolError(f"the header has more than {most} values")
        skip, width = _TABLE[data[at]]
        if width:
            skip += width + int.from_bytes(data[at + 1 : at + 1 + width], "big")
        at += 1 + skip
