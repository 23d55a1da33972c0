"""The waiting service: what sandboxed GIMPs (Flatpak, Snap) knock at.

A sandbox sees neither the backend's sockets nor its program. This process waits at a socket in a
folder that the sandbox does see, and gives every client a bridge (protocol.bridge), which starts
the backend where none runs. It needs the standard library only, so that waiting costs little
memory. It ends by itself when its socket is removed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from protocol import connection_file, processes

_LOOK_S = 10.0  # whether the socket is still there
_QUEUE = 8


def serve(path: Path) -> int:
    """Wait at `path` until it is removed; 0 at once where another service waits there already.

    Raises OSError where no socket can be made there.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + 2 * _LOOK_S
    while True:
        with connection_file.held(path.with_suffix(".lock")) as mine:
            if mine:
                return _serve_alone(path)
        # One whose socket was removed is about to notice, and to end.
        if path.exists() or time.monotonic() > deadline:
            return 0
        time.sleep(0.1)


def _serve_alone(path: Path) -> int:
    partial = path.with_suffix(".new")
    partial.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(partial))
        partial.chmod(0o600)
        listening.listen(_QUEUE)
        listening.settimeout(_LOOK_S)
        mine = partial.stat().st_ino
        partial.replace(path)  # from now on it answers; one that was killed may have left its own
        try:
            _wait(listening, path, mine)
        finally:
            if _is_there(path, mine):
                path.unlink()
    return 0


def _is_there(path: Path, number: int) -> bool:
    """Whether the socket at `path` is the one with that inode."""
    try:
        return path.stat().st_ino == number
    except OSError:
        return False


def _wait(listening: socket.socket, path: Path, mine: int) -> None:
    bridge = [sys.executable, *processes.bridge_words()]
    bridges: list[subprocess.Popen[bytes]] = []
    while _is_there(path, mine):
        bridges = [one for one in bridges if one.poll() is None]  # no zombies
        with contextlib.suppress(TimeoutError):
            client, _ = listening.accept()
            with client:
                client.setblocking(True)
                end = client.fileno()
                bridges.append(subprocess.Popen(bridge, stdin=end, stdout=end))


def main() -> int:
    """Wait at the socket that the command line names; returns the exit code."""
    os.umask(0o077)
    try:
        return serve(Path(sys.argv[1]))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
