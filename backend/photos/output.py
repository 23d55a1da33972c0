"""Where a picture goes: whole or not at all, and no rougher with what is there than `cp`.

A target that exists keeps its permissions; a link is followed; a file that its owner has protected
is not replaced, though its folder would allow it; what is no file (a pipe, a device) is written to.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from backend.errors import BadImage

# Too long a name, a null byte in it, a link that leads to itself.
_ODD_NAMES = (OSError, ValueError, RuntimeError)


def check_target(path: Path) -> None:
    """Raises BadImage where `path` cannot be written, as far as that is known beforehand."""
    try:
        target = _target(path)
        if not target.parent.is_dir():
            raise BadImage(f"There is no folder {target.parent}; create it first.")
        if target.is_dir():
            raise BadImage(f"{path} is a folder; add the name of a file.")
        exists = target.exists()
    except _ODD_NAMES as error:
        raise BadImage(f"{path} cannot be written: {_reason(error)}.") from error
    if exists and not (target.stat().st_mode & 0o222 and os.access(target, os.W_OK)):
        raise BadImage(f"{path} is write-protected; use another name, or allow writing to it.")
    if (not exists or target.is_file()) and not os.access(target.parent, os.W_OK | os.X_OK):
        raise BadImage(f"{path} cannot be written: {target.parent} is write-protected.")
    if not exists:
        try:  # what no permission tells: a full disk, a folder that is none
            with tempfile.TemporaryFile(prefix=".new-", dir=target.parent) as stream:
                stream.write(b"x")
        except OSError as error:
            raise BadImage(f"{path} cannot be written: {_reason(error)}.") from error


def replace_file(path: Path, data: bytes) -> None:
    """Write a file all at once, and see it to the disk. Raises BadImage."""
    temporary: Path | None = None
    try:
        target = _target(path)
        old = target.stat() if target.exists() else None
        if old is not None and not stat.S_ISREG(old.st_mode):
            with open(target, "wb") as stream:
                stream.write(data)
            return
        handle, name = tempfile.mkstemp(prefix=".new-", suffix=path.suffix, dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask() if old is None else stat.S_IMODE(old.st_mode))
        if old is not None and hasattr(os, "chown"):
            with contextlib.suppress(OSError):
                os.chown(temporary, -1, old.st_gid)
        temporary.replace(target)
        sync_folder(target.parent)
    except _ODD_NAMES as error:
        raise BadImage(f"{path} could not be written: {_reason(error)}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _target(path: Path) -> Path:
    """The file itself, at the end of all links; raises RuntimeError where they lead in
    circles.
    """
    path = path.absolute()
    return path.resolve(strict=False) if path.is_symlink() else path


def sync_folder(folder: Path) -> None:
    """A name is on the disk when its folder is; where folders cannot be opened, the file is."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _reason(error: Exception) -> str:
    if isinstance(error, RuntimeError):
        return "its links lead in a circle"
    return getattr(error, "strerror", None) or str(error)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
