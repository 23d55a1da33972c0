"""The backend's state: what runs, with which models; stopping it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from link.backend_texts import bundle_in_users_language, download_in_users_language
from link.errors import PlugInError
from link.progress import View
from link.session import Session, expect
from link.texts import _
from protocol import connection_file, paths
from protocol.messages import (
    BundleInfo,
    Bundles,
    DownloadableModel,
    Downloads,
    ListBundles,
    ListDownloads,
    StatusReport,
)

GRACE = 20.0  # seconds that a backend gets to end


@dataclass(frozen=True)
class BackendOverview:
    """All that the window shows of a running backend. log: its last lines; downloads: public
    models."""

    report: StatusReport
    bundles: list[BundleInfo]
    log: str
    is_remote: bool
    downloads: list[DownloadableModel]


def fetch(view: View) -> StatusReport:
    with Session(view) as session:
        return session.background(session.connection.status)


def look(view: View) -> BackendOverview:
    """Ask for everything; starts a backend if none runs."""
    with Session(view) as session:
        connection = session.connection
        report = session.background(connection.status)
        bundles = expect(Bundles, session.request(ListBundles())).bundles
        downloads = expect(Downloads, session.request(ListDownloads())).models
        log = session.background(connection.log)
        return BackendOverview(
            report,
            [bundle_in_users_language(bundle) for bundle in bundles],
            log,
            connection.is_remote,
            [download_in_users_language(model) for model in downloads],
        )


def models(view: View) -> list[BundleInfo]:
    """Those that can open photos."""
    with Session(view) as session:
        known = session.background(session.connection.status).bundles
        ready = session.connection.welcome.bundles
    return [bundle_in_users_language(one) for one in known if one.name in ready]


def is_running() -> bool:
    """Whether a backend runs on this computer, as far as is seen from here; asks nobody."""
    return connection_file.is_held(_lock())


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
    if session.connection.is_remote:
        return
    deadline = time.monotonic() + GRACE
    while is_running():
        if time.monotonic() > deadline:
            raise PlugInError(_("The backend is still busy ending its job: try again in a moment."))
        time.sleep(0.05)


def _lock() -> Path:
    return paths.connection_file().with_name(connection_file.LOCK_NAME)
