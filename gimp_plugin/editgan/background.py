"""Requests of a window that must not freeze: sockets on threads, answers on the main thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from backend_texts import backend_error
from errors import PlugInError
from gi.repository import GLib

from protocol.client import Connection
from protocol.errors import BackendError
from protocol.messages import JobRequest, Message

Done = Callable[[Message], None]


class Background:
    """Everything here is called on the main thread, `failed` and each `done` too.

    After `close` nothing is called back any more.
    """

    def __init__(self, connection: Connection, failed: Callable[[PlugInError], None]) -> None:
        self._connection = connection
        self._failed = failed
        self._busy: Counter[str] = Counter()
        self._waiting: dict[str, tuple[JobRequest, Done]] = {}
        self._closed = False

    def ask(self, message: JobRequest, done: Done, slot: str = "") -> None:
        """Send a request; returns at once."""
        self._busy[slot] += 1
        self._start(message, done, slot)

    def busy(self, slot: str) -> bool:
        """Whether requests of that slot are not answered yet."""
        return self._busy[slot] > 0

    def latest(self, slot: str, message: JobRequest, done: Done) -> None:
        """The same, one after the other: of those that wait in a slot only the newest is sent."""
        if self.busy(slot):
            self._waiting[slot] = message, done
        else:
            self.ask(message, done, slot)

    def close(self) -> None:
        self._closed = True
        self._waiting.clear()

    def _start(self, message: JobRequest, done: Done, slot: str) -> None:
        def work() -> None:  # on a thread
            answer: Message | BackendError
            try:
                answer = self._connection.request(message)
            except BackendError as error:
                answer = error
            GLib.idle_add(self._answered, answer, done, slot)

        threading.Thread(target=work, daemon=True, name="editgan-background").start()

    def _answered(self, answer: Message | BackendError, done: Done, slot: str) -> bool:
        if self._closed:
            return GLib.SOURCE_REMOVE
        self._busy[slot] -= 1
        if slot in self._waiting:
            self.latest(slot, *self._waiting.pop(slot))
        if not isinstance(answer, BackendError):
            done(answer)
        elif answer.code != "cancelled":
            self._failed(PlugInError(backend_error(answer.code, answer.message), answer.code))
        return GLib.SOURCE_REMOVE
