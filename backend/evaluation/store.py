"""What took long is kept: an evaluation that was interrupted resumes where it was."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Store:
    """Arrays in a folder, each under the words that say all that its values depend on."""

    def __init__(self, folder: Path, *, anew: bool = False) -> None:
        """anew: forget what is there as it is asked for."""
        self._folder, self._anew = folder, anew
        self._made: set[str] = set()

    def array(self, make: Callable[[], NDArray[Any]], *key: object) -> NDArray[Any]:
        """The array kept under `key`, made and kept when there is none (or a damaged one)."""
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:32]
        path = self._folder / f"{name}.npy"
        if not self._anew or name in self._made:
            try:
                kept: NDArray[Any] = np.load(path, allow_pickle=False)
                return kept
            except (OSError, ValueError, EOFError):
                pass
        value = make()
        self._made.add(name)
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.npy")
        np.save(partial, value)
        partial.replace(path)
        return value


def digest(*arrays: NDArray[Any]) -> str:
    """A short name for the contents of arrays, to be part of a key."""
    content = hashlib.sha256()
    for array in arrays:
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()[:16]
