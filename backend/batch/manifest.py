"""What was done, on the disk: a batch that is killed goes on where it was.

One JSON object a line, appended and seen to the disk. A result is announced before it is put in its
place and noted afterwards: whichever of the two a kill leaves out, the next run knows.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from backend.batch.tasks import Outcome, public
from backend.errors import BadImage, BadSetting
from backend.photos.output import replace_file, sync_folder
from protocol import bounded_file, connection_file

FOLDER = ".editgan-batch"
_VERSION = 1
_LARGEST = 1 << 30  # bytes of a manifest

State = Literal["new", "done", "blocked"]
Stamp = tuple[int, int]  # of a file: its size, and when it was changed last (ns)


@dataclass(frozen=True)
class ManifestEntry:
    """What became of a photo: `about` as reports say it.

    settings: their digest. stamp, result_stamp: of the photo's file and of the result.
    """

    name: str
    settings: str
    source: str
    stamp: Stamp
    about: dict[str, Any] = field(repr=False)
    result_stamp: Stamp | None = None

    @property
    def status(self) -> str:
        return str(self.about["status"])


class Manifest:
    """A batch's output folder and its memory. One process at a time: see `opened`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out / FOLDER
        self._done: dict[str, ManifestEntry] = {}
        self._announced: dict[str, ManifestEntry] = {}
        self._file = self._read()

    def __enter__(self) -> Manifest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._file.close()
        self._clear_staging()

    @property
    def staging(self) -> Path:
        return self.folder / "staged"

    def entry(self, name: str) -> ManifestEntry | None:
        return self._done.get(name)

    def state(self, name: str, source: Path, settings: str) -> State:
        """Whether a photo is still to be done. "blocked": a file that is not ours, or was changed
        since, lies in its place. Raises OSError where the photo cannot be read."""
        entry, target = self._done.get(name), self.out / name
        if entry is None:
            return "blocked" if target.exists() else "new"
        same = entry.settings == settings and self._same_photo(entry, source)
        if same and entry.status == "nobody":
            return "done"
        if entry.status != "edited" or not target.exists():
            return "blocked" if target.exists() else "new"
        if same:
            return "done"
        return "new" if self._is_ours(entry, target) else "blocked"

    def commit(
        self, outcome: Outcome, name: str, source: Path, stamp: Stamp, settings: str
    ) -> None:
        """Put a result in its place, and note it; stamp: of the photo before it was read.

        A failure is not noted: the photo is tried again. Raises BadImage, OSError.
        """
        entry = ManifestEntry(name, settings, str(source), stamp, public(outcome))
        target = self.out / name
        if outcome.status == "edited":
            self._append("announced", entry)
            self._put(outcome, target)
            entry = _with_result(entry, target)
        if outcome.status == "edited" or (outcome.status == "nobody" and not target.exists()):
            self._append("done", entry)
            self._done[name] = entry

    def _put(self, outcome: Outcome, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if outcome.staged is None:
            assert outcome.data is not None
            replace_file(target, outcome.data)
        else:
            os.replace(outcome.staged, target)
            sync_folder(target.parent)
        for kind, picture in (("before", outcome.before), ("after", outcome.after)):
            self.picture(str(target.relative_to(self.out)), kind).write_bytes(picture)

    def picture(self, name: str, kind: str) -> Path:
        """Where a small picture of a result is kept."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self.folder / "pictures" / f"{digest}-{kind}.webp"

    def _same_photo(self, entry: ManifestEntry, source: Path) -> bool:
        """By size and time of change, else by content."""
        return stamp_of(source) == entry.stamp or _sha_of(source) == entry.about["sha"]

    def _is_ours(self, entry: ManifestEntry, target: Path) -> bool:
        """Whether the result is as it was written."""
        if entry.result_stamp == stamp_of(target):
            return True
        return _sha_of(target) == entry.about["result_sha"]

    def _append(self, what: str, entry: ManifestEntry) -> None:
        record = {"what": what, **{name: getattr(entry, name) for name in _FIELDS}}
        _add_line(self._file, record)

    def _read(self) -> FileIO:
        """Read what there is; returns the file, to be appended to."""
        for folder in (self.staging, self.folder / "pictures"):
            folder.mkdir(parents=True, exist_ok=True)
        self._clear_staging()  # of a run that was killed
        path = self.folder / "manifest.jsonl"
        whole = 0
        if path.exists():
            lines = bounded_file.read(path, _LARGEST).split(b"\n")
            for line in lines[:-1]:
                self._remember(line)
            whole = sum(len(line) + 1 for line in lines[:-1])
            self._settle()
        file = path.open("ab", buffering=0)
        try:
            file.truncate(whole)  # a line that a kill cut short
            if not whole:
                _add_line(file, {"format": "editgan-batch", "format_version": _VERSION})
        except OSError:
            file.close()
            raise
        sync_folder(self.folder)
        return file

    def _clear_staging(self) -> None:
        for left in self.staging.iterdir():
            left.unlink(missing_ok=True)

    def _remember(self, line: bytes) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):  # a damaged line: done again
            value = json.loads(line)  # names that are no Unicode are in it, escaped
            if value.get("format_version", _VERSION) > _VERSION:
                raise BadSetting(
                    f"{self.out} holds a batch of a newer EditGAN; update this one, or use another "
                    "folder."
                )
            if "what" not in value:
                return
            stamps = [tuple(value[k]) if value[k] else None for k in ("stamp", "result_stamp")]
            entry = ManifestEntry(
                value["name"], value["settings"], value["source"], stamps[0] or (0, 0),
                value["about"], stamps[1],
            )  # fmt: skip
            if value["what"] == "done":
                self._announced.pop(entry.name, None)
                self._done[entry.name] = entry
            else:
                self._announced[entry.name] = entry

    def _settle(self) -> None:
        """Results that were announced: are they in their places?"""
        for name, entry in self._announced.items():
            target = self.out / name
            with contextlib.suppress(OSError):
                if _sha_of(target) == entry.about["result_sha"]:
                    self._done[name] = _with_result(entry, target)
        self._announced.clear()


_FIELDS = ("name", "settings", "source", "stamp", "about", "result_stamp")


@contextlib.contextmanager
def opened(out: Path) -> Iterator[Manifest]:
    """The output folder, created where it is missing, for this process alone.

    Raises BadSetting while another batch works there, BadImage where nothing can be written.
    """
    try:
        (out / FOLDER).mkdir(parents=True, exist_ok=True)
        with connection_file.held(out / FOLDER / "lock") as mine:
            if not mine:
                raise BadSetting(f"Another batch is writing to {out}; let it end, or use another.")
            with Manifest(out) as manifest:
                yield manifest
    except OSError as error:
        here = error.filename is not None and str(error.filename).startswith(str(out))
        if not here and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BadImage(f"{out} cannot be written: {error.strerror}; use another folder.") from error


def _add_line(file: FileIO, record: Mapping[str, object]) -> None:
    """A line to the disk; where that is full, none of it, for a half would spoil the next line.
    Raises OSError."""
    line = memoryview(json.dumps(record).encode("ascii") + b"\n")
    start = os.fstat(file.fileno()).st_size
    try:
        while line:
            line = line[file.write(line) or 0 :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(start)
        raise


def _with_result(entry: ManifestEntry, target: Path) -> ManifestEntry:
    return ManifestEntry(
        entry.name, entry.settings, entry.source, entry.stamp, entry.about, stamp_of(target)
    )


def stamp_of(path: Path) -> Stamp:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _sha_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
