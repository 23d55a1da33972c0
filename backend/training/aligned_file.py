"""Writing aligned pictures one by one: whatever interrupts it, what was written is there."""

from __future__ import annotations

import contextlib
import json
import os
from io import FileIO
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from backend.errors import BadSetting
from backend.photos.output import replace_file


class AlignedFile:
    """`images.npy` and `names.json` in a folder, growing; a context manager.

    outcomes: of the photos seen so far by name, why they were skipped, "" where they were kept. It
    is read back from the folder, so that an interrupted run resumes; pictures without an outcome
    are written over. Raises BadSetting where the folder holds pictures of another size.
    """

    OUTCOMES = "outcomes.jsonl"

    def __init__(self, folder: Path, resolution: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._side = folder, resolution
        self.outcomes = _read_outcomes(folder, resolution)
        lines = [{"resolution": resolution}, *self.outcomes.items()]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        log = folder / self.OUTCOMES
        replace_file(log, text.encode())
        self._log = log.open("a", encoding="utf-8")
        self._images = _opened(folder / "images.npy")
        start = _write_header(self._images, self._kept, resolution)
        self._images.truncate(start + self._kept * 3 * resolution**2)
        self._images.seek(0, os.SEEK_END)

    @property
    def _kept(self) -> int:
        return sum(not reason for reason in self.outcomes.values())

    def add(self, name: str, picture: NDArray[np.uint8]) -> None:
        """Append a picture, uint8 [R, R, 3]."""
        left = memoryview(np.ascontiguousarray(picture).tobytes())
        while left:
            left = left[self._images.write(left) :]
        self._note(name, "")

    def skip(self, name: str, reason: str) -> None:
        self._note(name, reason)

    def _note(self, name: str, reason: str) -> None:
        """After the picture itself: what is noted is there."""
        self.outcomes[name] = reason
        self._log.write(json.dumps([name, reason], ensure_ascii=False) + "\n")
        self._log.flush()

    def __enter__(self) -> AlignedFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Also after an interruption: the pictures so far are a data set."""
        self._log.close()
        _write_header(self._images, self._kept, self._side)
        self._images.close()
        kept = [name for name, reason in self.outcomes.items() if not reason]
        text = json.dumps(kept, ensure_ascii=False)
        replace_file(self._folder / "names.json", text.encode())


def _opened(path: Path) -> FileIO:
    """For reading and writing, as it is, and without a buffer: a full disk is met at once."""
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+")


def _write_header(file: FileIO, count: int, side: int) -> int:
    """NumPy's header for uint8 [count, side, side, 3], which leaves room for `count` to grow;
    returns where the pictures begin."""
    file.seek(0)
    shape = (count, side, side, 3)
    npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.tell()


def _read_outcomes(folder: Path, resolution: int) -> dict[str, str]:
    """Outcomes by name that an earlier run noted; the line that it was interrupted in does not
    count. Raises BadSetting."""
    try:
        text = (folder / AlignedFile.OUTCOMES).read_text(encoding="utf-8")
    except OSError:
        return _before_outcomes(folder, resolution)
    first, *lines = text.splitlines() or [""]
    found: dict[str, str] = {}
    with contextlib.suppress(ValueError, LookupError, TypeError):
        _check_side(folder, json.loads(first)["resolution"], resolution)
        for line in lines:
            name, reason = json.loads(line)
            found[str(name)] = str(reason)
    return found


def _before_outcomes(folder: Path, resolution: int) -> dict[str, str]:
    """The same of pictures that were aligned before outcomes were noted."""
    try:
        images = np.load(folder / "images.npy", mmap_mode="r")
        names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    _check_side(folder, images.shape[1], resolution)
    return dict.fromkeys(map(str, names[: len(images)]), "")


def _check_side(folder: Path, there: int, wanted: int) -> None:
    if there != wanted:
        raise BadSetting(
            f"{folder} holds pictures of {there} pixels; choose another folder for those of "
            f"{wanted}, or delete it."
        )
