"""Small files that only their owner may read, written all at once or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Put `text` at `path` in one step, mode 0600. Raises OSError; the old file then stays."""
    with _temporary(path, text) as temporary:
        os.replace(temporary, path)


def create(path: Path, text: str) -> None:
    """As `write`, but a file that is there already stays. Raises OSError."""
    with _temporary(path, text) as temporary, contextlib.suppress(FileExistsError):
        os.link(temporary, path)


@contextlib.contextmanager
def _temporary(path: Path, text: str) -> Iterator[Path]:
    """A file beside `path` that holds `text`, removed in the end if it still has its name."""
    # mkstemp makes the file 0600 from the start: no moment in which others can read keys in it
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
