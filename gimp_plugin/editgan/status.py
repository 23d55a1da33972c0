"""Backend Status: what runs, with which models, under which licence."""

from __future__ import annotations

import time

from errors import PlugInError
from session import Session
from texts import _
from views import View

from protocol import connection_file, paths
from protocol.messages import StatusReport

GRACE = 20.0  # seconds that a backend gets to end


def fetch(view: View) -> StatusReport:
    with Session(view) as session:
        return session.background(session.connection.status)


def stop(view: View) -> bool:
    """Ask a running backend to end, and wait until it has. False: none was running."""
    try:
        with Session(view, start=False) as session:
            session.background(lambda: _shut_down(session))
    except PlugInError as error:
        if error.code not in ("backend_missing", "backend_lost"):
            raise
        return error.code == "backend_lost"  # it ended before it could answer
    return True


def _shut_down(session: Session) -> None:
    session.connection.shutdown()
    lock = paths.connection_file().with_name(connection_file.LOCK_NAME)
    deadline = time.monotonic() + GRACE
    while connection_file.is_held(lock):
        if time.monotonic() > deadline:
            raise PlugInError(_("The backend is still busy ending its job: try again in a moment."))
        time.sleep(0.05)
