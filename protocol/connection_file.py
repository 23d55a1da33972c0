"""The connection file and the lock beside it: how a client finds the backend.

Alive means: the lock is held and a ping is answered. Never a process id: GIMP may run in another
namespace.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from protocol import PROTOCOL_VERSION, bounded_file, private_file
from protocol.typed import ProtocolError, WrongVersionError, from_wire

LOCK_NAME = "backend.lock"
_MAX_FILE = 64 << 10


@dataclass(frozen=True)
class CurveKeys:
    """Z85 texts: the server's public key and the key pair that the server lets in."""

    server: str
    public: str
    secret: str


@dataclass(frozen=True)
class ConnectionInfo:
    """Where the two sockets are.

    jobs, control: "ipc://name" (in the file's folder), "ipc:///path" or "tcp://host:port".
    curve: always present with tcp.
    lock: name of the lock beside the file, None for a backend on another machine.
    """

    jobs: str
    control: str
    version: str
    protocol_version: int
    curve: CurveKeys | None = None
    lock: str | None = LOCK_NAME

    def __post_init__(self) -> None:
        for endpoint in (self.jobs, self.control):
            if not endpoint.startswith(("ipc://", "tcp://")):
                raise ProtocolError(f"not an endpoint: {endpoint[:60]}")
            if endpoint.startswith("tcp://") and self.curve is None:
                raise ProtocolError("TCP without keys is refused")


def write(path: Path, info: ConnectionInfo) -> None:
    """Put `info` at `path` in one step, readable by the owner only."""
    private_file.write(path, json.dumps(dataclasses.asdict(info), indent=1))


def read(path: Path) -> ConnectionInfo:
    """The file's content, endpoints made absolute.

    Raises FileNotFoundError, ProtocolError when it is not a connection file, WrongVersionError
    when it is one of another version of the protocol.
    """
    try:
        content = bounded_file.read_json(path, _MAX_FILE)
    except ValueError:
        raise ProtocolError(f"{path.name} is not a connection file") from None
    version = content.get("protocol_version") if isinstance(content, dict) else None
    if type(version) is int and version != PROTOCOL_VERSION:
        raise WrongVersionError(version)
    info: ConnectionInfo = from_wire(ConnectionInfo, content, (), path.name)
    folder = path.parent.absolute()
    jobs, control = _absolute(info.jobs, folder), _absolute(info.control, folder)
    return dataclasses.replace(info, jobs=jobs, control=control)


def _absolute(endpoint: str, folder: Path) -> str:
    # relative names let the folder be mounted elsewhere, as in a private root around GIMP
    if endpoint.startswith("ipc://") and not endpoint.startswith("ipc:///"):
        return f"ipc://{folder / endpoint.removeprefix('ipc://')}"
    return endpoint


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _try_lock(file: IO[bytes], *, shared: bool) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes], *, shared: bool) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


def is_held(lock: Path) -> bool:
    """Whether a process holds the lock."""
    try:
        file = lock.open("r+b")
    except OSError:
        return False
    with file:
        # shared, so that probes do not disturb one another
        if not _try_lock(file, shared=True):
            return True
        _unlock(file)
        return False


@contextlib.contextmanager
def held(lock: Path) -> Iterator[bool]:
    """Hold the lock for the block; yields whether it could be had.

    The system frees it however the process ends.
    """
    with lock.open("a+b") as file:
        lock.chmod(0o600)
        mine = _try_lock(file, shared=False)
        try:
            yield mine
        finally:
            if mine:
                _unlock(file)
