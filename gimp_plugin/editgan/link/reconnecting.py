"""A connection to the backend that is made, and made again, without anybody waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gi.repository import GLib

from link.backend_texts import backend_error, bundle_in_users_language
from link.background import Background
from link.errors import PlugInError
from link.session import CLIENT
from protocol.client import Connection
from protocol.errors import BackendError
from protocol.launch import ensure_backend
from protocol.messages import BundleInfo, StatusReport


class Backend:
    """`asking` is there once connected; `connected` and `failed` are called on the main thread."""

    def __init__(
        self,
        connected: Callable[[], None],
        failed: Callable[[PlugInError], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """wanted: whether there still is what all answers are about."""
        self._connected, self._failed, self._wanted = connected, failed, wanted
        self.connection: Connection | None = None
        self._status: StatusReport | None = None
        self._connecting = self._closed = False
        self.asking: Background | None = None

    def connect(self, problem: Callable[[PlugInError], None]) -> None:
        """Start a backend if none runs, and greet it. problem: of requests that are not told."""
        if self._connecting:
            return
        self._connecting = True
        self._hang_up()

        def work() -> None:  # on a thread
            found: tuple[Connection, StatusReport] | BackendError
            try:
                connection = ensure_backend(client=CLIENT)
                found = connection, connection.status()
            except BackendError as error:
                found = error
            GLib.idle_add(self._answered, found, problem)

        threading.Thread(target=work, daemon=True, name="editgan-connecting").start()

    def close(self) -> None:
        self._closed = True
        self._hang_up()

    def described(self, bundle: str) -> BundleInfo:
        """What the backend says about an installed bundle; empty if it has none of that name."""
        bundles = self._status.bundles if self._status else []
        return next((one for one in bundles if one.name == bundle), BundleInfo(bundle))

    @property
    def ready(self) -> list[BundleInfo]:
        """The bundles that can open photos."""
        bundles = self._status.bundles if self._status else []
        return [bundle_in_users_language(b) for b in bundles if not (b.missing or b.problem)]

    def sha_of(self, bundle: str) -> str:
        return self.described(bundle).sha

    def _answered(
        self,
        found: tuple[Connection, StatusReport] | BackendError,
        problem: Callable[[PlugInError], None],
    ) -> bool:
        self._connecting = False
        if isinstance(found, BackendError):
            if not self._closed:
                self._failed(PlugInError(backend_error(found.code, found.message), found.code))
        elif self._closed or not self._wanted():
            found[0].close()
        else:
            self.connection, self._status = found
            self.asking = Background(self.connection, problem, self._wanted)
            self._connected()
        return GLib.SOURCE_REMOVE

    def _hang_up(self) -> None:
        if self.asking:
            self.asking.close()
        if self.connection:
            self.connection.close()
        self.asking = self.connection = None
