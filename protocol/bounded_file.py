"""Files that others may have written, read within bounds: plain files only, and not too large."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

# so that opening a FIFO does not wait for a writer
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read(path: Path, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes.

    Raises OSError: also for a folder, FIFO or device, and for a file that is larger.
    """
    with open(os.open(path, _FLAGS), "rb") as file:
        kind = os.fstat(file.fileno())
        if not stat.S_ISREG(kind.st_mode):
            raise OSError(errno.EINVAL, "it is not a plain file", str(path))
        if kind.st_size > limit:  # a sparse file takes no room on the disk, but in memory
            raise OSError(errno.EFBIG, f"it is larger than {limit >> 10} kB", str(path))
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit >> 10} kB", str(path))
    return data


def read_json(path: Path, limit: int) -> Any:
    """The JSON value in a file. Raises OSError as `read` does, ValueError for anything unsound."""
    return parse_json(read(path, limit))


def parse_json(data: bytes) -> Any:
    """The JSON value in `data`, every number finite and every text Unicode; raises ValueError."""
    try:
        value = json.loads(data, parse_constant=_not_finite, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # lone surrogates cannot be printed
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        _not_finite(text)
    return number


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is not a finite number")
