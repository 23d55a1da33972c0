"""Pictures to train on, one by one: from folders, ZIP archives, and tar shards as WebDataset's."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage
from backend.photos.files import read_photo
from backend.photos.folder import find_images, photo_name
from backend.photos.formats import SUFFIXES
from backend.photos.reading import decode
from backend.training.labelled import is_label_map

ARCHIVES = (".zip", ".tar")


@dataclass(frozen=True)
class PictureSource:
    """A picture that another process can read: a file, or `size` bytes at `offset` of a tar, or
    the member of a ZIP archive.

    name: `folder/file`, or `archive/member`.
    """

    name: str
    path: Path
    member: str | None = None
    offset: int = 0
    size: int = 0

    def read(self) -> NDArray[np.uint8]:
        """At 8 bits, upright, uint8 [H, W, 3]; raises BadImage."""
        if self.member is None:
            return read_photo(self.path).to_u8()
        try:
            return decode(self._bytes(), self.name).to_u8()
        except (OSError, ValueError, SyntaxError, zipfile.BadZipFile) as error:
            raise BadImage(f"{self.name} cannot be read ({error}).") from error

    def _bytes(self) -> bytes:
        if self.path.suffix.lower() == ".zip":
            return _archive(self.path).read(str(self.member))
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@cache  # in each worker process: a large archive's directory takes long to read
def _archive(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def find_sources(places: Sequence[Path]) -> Iterator[PictureSource]:
    """All pictures of folders, of the archives in them, and of what is named itself, but for label
    maps; only their names are in memory. Raises BadImage where a place is missing or empty."""
    for place in places:
        is_archive = place.suffix.lower() in ARCHIVES
        archives = [place] if is_archive else _below(place, ARCHIVES)
        if not is_archive and (not archives or _below(place, SUFFIXES)):
            found = (path for path in find_images([place]) if not is_label_map(path))
            yield from (PictureSource(photo_name(path), path) for path in found)
        for archive in archives:
            yield from _members(archive)


def _below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in suffixes and p.is_file())


def _members(archive: Path) -> Iterator[PictureSource]:
    """The pictures of one archive, in its own order; raises BadImage."""
    try:
        if archive.suffix.lower() == ".zip":
            with zipfile.ZipFile(archive) as found:
                names = [info.filename for info in found.infolist() if not info.is_dir()]
            for name in filter(_is_picture, names):
                yield PictureSource(f"{archive.stem}/{name}", archive, name)
            return
        with tarfile.open(archive, "r:") as shard:
            for info in shard:
                if info.isfile() and _is_picture(info.name):
                    name = f"{archive.stem}/{info.name}"
                    yield PictureSource(name, archive, info.name, info.offset_data, info.size)
    except (OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise BadImage(f"{archive} cannot be read as an archive ({error}).") from error


def _is_picture(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not is_label_map(Path(name))
