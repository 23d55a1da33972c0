"""Finding the backend, and starting it where none runs."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from protocol import connection_file, links, paths, processes, remote
from protocol.client import Connection
from protocol.errors import BackendError

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_MAX_STARTS = 3
_REMOTE_PATIENCE_S = 10.0
# Set where the backend cannot run (the private GIMP): a FIFO that whoever started GIMP reads.
_LAUNCHER = "EDITGAN_LAUNCHER"
_SAYS = "editgan: "  # begins the sentence that a command ends with
_TAIL = 2000  # characters of the log that go into an error's detail


def ensure_backend(
    command: Sequence[str] | None = None,
    *,
    cwd: Path | None = None,
    timeout: float = 60.0,
    client: str = "editgan",
) -> Connection:
    """A connection to the running backend; starts `command` (default: the installed one) if needed.

    cwd: the new process's working folder, default the data folder.
    Several callers at once end up with one backend: it holds a lock, later ones give way.
    Where the settings choose a backend on another machine nothing is started.
    Raises BackendError: backend_missing (nothing to start), backend_failed (it ended at once),
    backend_lost (no answer within `timeout` seconds), protocol_version, bad_settings.
    """
    if remote.chosen():
        return Connection.open(timeout=min(timeout, _REMOTE_PATIENCE_S), client=client)
    if socket := links.waiting_socket():
        return Connection.through_service(socket, timeout, client=client, start=True)
    path = paths.connection_file()
    deadline = time.monotonic() + timeout
    process: subprocess.Popen[bytes] | Ordered | None = None
    starts = 0
    fifo = os.environ.get(_LAUNCHER)
    while time.monotonic() < deadline:
        if connection := _connect(path, deadline, client):
            return connection
        ended = process.poll() if process else None
        if ended is not None and (ended or starts == _MAX_STARTS):
            raise _failed(ended)
        # 0: another backend was faster, and may have ended since
        if (process is None or ended == 0) and not _is_running(path):
            process = order(fifo) if fifo else start(command or installed_command(), cwd=cwd)
            starts += 1
        time.sleep(0.05)
    raise _no_answer(f"nothing within {timeout:.0f} s; {_log_tail()}")


def installed_command() -> list[str]:
    """The command that starts the installed backend.

    Raises BackendError "backend_missing" where there is none.
    """
    found = processes.installed()
    editgan, python = found.get("editgan"), found.get("python")
    command: list[str] = []
    if isinstance(editgan, str) and processes.reachable(editgan):
        command = [editgan, "serve"]
    elif isinstance(python, str) and processes.reachable(python):
        command = [python, "-m", "backend.cli", "serve"]
    if not command:
        raise BackendError(
            "backend_missing",
            "The EditGAN backend is not running and cannot be started from here; run "
            "'editgan serve' in a terminal, or 'python3 install.py' if it is not installed.",
            f"{paths.install_file()} names no program that exists",
        )
    return processes.outside(command)


def start(command: Sequence[str], *, cwd: Path | None = None) -> subprocess.Popen[bytes]:
    """Start the backend in a session of its own: it outlives GIMP and inherits nothing from it."""
    try:
        paths.private(paths.logs_dir())
        with open(os.open(_launch_log(), _NEW_FILE, 0o600), "wb") as log:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                close_fds=True,  # GIMP's wire must not stay open in the backend
                env=processes.clean_environment(os.environ),
                cwd=cwd or paths.data_dir(),
                **processes.detached(),
            )
    except OSError as error:
        sentence = f"The backend could not be started ({error.strerror}); run install.py again."
        raise BackendError("backend_missing", sentence, f"{list(command)}: {error}") from None
    # waits, so that no zombie stays where the caller lives long
    threading.Thread(target=process.wait, daemon=True, name="backend-reaper").start()
    return process


class Ordered:
    """A backend that another process was asked to start; its failing cannot be seen from here."""

    def poll(self) -> None:
        return None


def order(fifo: str) -> Ordered:
    """Ask the process that reads `fifo` to start the backend.

    Raises BackendError "backend_missing" where nobody reads it.
    """
    try:
        with open(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK), "wb") as orders:
            orders.write(b"start\n")
    except OSError as error:
        sentence = "The backend could not be started from this GIMP; run 'editgan serve' outside."
        raise BackendError("backend_missing", sentence, f"{fifo}: {error}") from None
    return Ordered()


def _connect(path: Path, deadline: float, client: str) -> Connection | None:
    """A greeted connection, None where no backend lives (yet)."""
    left = max(0.1, deadline - time.monotonic())
    try:
        return Connection.open(path, min(left, 15.0), client=client)
    except BackendError as error:
        if error.code in ("backend_missing", "backend_lost", "shutting_down"):
            return None
        raise


def _is_running(path: Path) -> bool:
    return connection_file.is_held(path.with_name(connection_file.LOCK_NAME))


def _launch_log() -> Path:
    return paths.logs_dir() / "launch.log"


def _log_tail() -> str:
    try:
        return _launch_log().read_text(encoding="utf-8", errors="replace")[-_TAIL:]
    except OSError:
        return ""


def _no_answer(detail: str) -> BackendError:
    sentence = "The EditGAN backend does not answer; end its process (editgan serve) and try again."
    return BackendError("backend_lost", sentence, detail)


def _failed(code: int) -> BackendError:
    """The backend's own last sentence, where it said one."""
    sentence = f"The EditGAN backend ended while starting; see {_launch_log()} for the reason."
    tail = _log_tail()
    said = [line for line in tail.splitlines() if line.startswith(_SAYS)]
    if said and tail.rstrip().endswith(said[-1]):
        sentence = said[-1].removeprefix(_SAYS)
    return BackendError("backend_failed", sentence, f"exit status {code}; {tail}")
