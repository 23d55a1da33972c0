"""Runs in the private environment: end the user's backend and wait until it is gone."""

from __future__ import annotations

import time

from protocol import connection_file, paths
from protocol.client import Connection
from protocol.errors import BackendError

SECONDS = 30


def stop() -> None:
    """Ask this machine's backend to shut down; nothing happens where none runs."""
    here = paths.connection_file()  # never the one on another machine that the settings choose
    try:
        with Connection.open(here) as connection:
            connection.shutdown()
    except BackendError:
        return
    lock = here.with_name(connection_file.LOCK_NAME)
    deadline = time.monotonic() + SECONDS
    while connection_file.is_held(lock) and time.monotonic() < deadline:
        time.sleep(0.05)


if __name__ == "__main__":
    stop()
