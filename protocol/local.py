"""The backend on this machine: what its connection file says, believed only while it runs."""

from __future__ import annotations

from pathlib import Path

from protocol import connection_file
from protocol.connection_file import ConnectionInfo
from protocol.errors import BackendError
from protocol.typed import ProtocolError, WrongVersionError


def running(path: Path) -> tuple[ConnectionInfo, Path | None]:
    """What a connection file says, and the lock that its backend holds (None: it names none).

    Raises BackendError: backend_missing, protocol_version.
    """
    try:
        info = connection_file.read(path)
    except WrongVersionError as error:
        if connection_file.is_held(path.with_name(connection_file.LOCK_NAME)):
            raise _other_version(error) from None
        raise _not_running(str(error)) from None
    except (OSError, ProtocolError) as error:
        raise _not_running(str(error)) from None
    lock = path.with_name(info.lock) if info.lock else None
    if lock and not connection_file.is_held(lock):
        raise _not_running(f"{lock} is not held")
    return info, lock


def _not_running(detail: str) -> BackendError:
    sentence = (
        "The EditGAN backend is not running; the next command starts it, as does 'editgan serve'."
    )
    return BackendError("backend_missing", sentence, detail)


def _other_version(error: WrongVersionError) -> BackendError:
    if error.other_is_older:
        sentence = "The running backend is older than this program: end it, then try again."
    else:
        sentence = "The running backend is newer than this program: run install.py again."
    return BackendError("protocol_version", sentence, str(error))
