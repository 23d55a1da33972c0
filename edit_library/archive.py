"""One edit as one `.editgan` file: a zip of its files, checked before anything is believed."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from edit_library.errors import BadEdit, EditNotFound
from edit_library.storage import LIMITS, REQUIRED

SUFFIX = ".editgan"
_MAX_FILE = sum(LIMITS.values()) + (64 << 10)
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # the same edit gives the same file


def read_archive(path: Path) -> bytes:
    """An `.editgan` file's content, not checked yet but for its size.

    Raises EditNotFound when there is no such file, BadEdit when it cannot be read.
    """
    if path.is_dir():
        raise BadEdit(f"{path} is a folder; name an {SUFFIX} file in it.")
    if not path.is_file():
        raise EditNotFound(f"There is no file {path}; check the name.")
    if path.stat().st_size > _MAX_FILE:
        raise BadEdit(f"{path.name} is too large for an edit.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadEdit(f"{path.name} cannot be read: {error.strerror or error}.") from error


def parse_archive(data: bytes, label: str) -> dict[str, bytes]:
    """The files in an `.editgan` file's content: only an edit's own names, each within its limit.

    label: the file's name, for messages. Raises BadEdit for anything that is wrong.
    """
    if len(data) > _MAX_FILE:
        raise BadEdit(f"{label} is too large for an edit.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_members(archive, label)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise BadEdit(f"{label} is damaged or is not an {SUFFIX} file.") from error
    except (NotImplementedError, RuntimeError) as error:  # odd compression, encryption
        raise BadEdit(f"{label} is packed in a way that edits are not.") from error


def _read_members(archive: zipfile.ZipFile, label: str) -> dict[str, bytes]:
    members = archive.infolist()
    names = [m.filename for m in members]
    strange = sorted(set(names) - set(LIMITS))
    if strange or len(set(names)) != len(names):
        raise BadEdit(
            f"{label} holds files that no edit has ({strange[0]!r})."
            if strange
            else f"{label} holds the same file twice."
        )
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise BadEdit(f"{label} has no {missing[0]}.")
    files: dict[str, bytes] = {}
    for member in members:
        limit = LIMITS[member.filename]
        if member.file_size > limit:  # before unpacking: a zip bomb stays packed
            raise BadEdit(f"{member.filename} in {label} is too large.")
        with archive.open(member) as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise BadEdit(f"{member.filename} in {label} is too large.")
        files[member.filename] = data
    return files


def pack_archive(files: Mapping[str, bytes]) -> bytes:
    """The content of an `.editgan` file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _TIMESTAMP), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
