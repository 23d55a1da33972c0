"""Requests of a window that must not freeze: sockets on threads, answers on the main thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from gi.repository import GLib

from link.backend_texts import backend_error
from link.errors import PlugInError
from protocol.client import Connection
from protocol.errors import BackendError
from protocol.messages import JobRequest, Message

Done = Callable[[Message], None]


class Background:
    """Everything here is called on the main thread, `failed` and each `done` too.

    After `close` nothing is called back any more, after `reconnect` nothing of what was asked
    before.
    """

    def __init__(self, connection: Connection, failed: Callable[[PlugInError], None]) -> None:
        self._connection = connection
        self._failed = failed
        self._busy: Counter[str] = Counter()
        self._waiting: dict[str, tuple[JobRequest, Done]] = {}
        self._answers = object()  # to whom: another one after `reconnect`, None after `close`

    def reconnect(self, connection: Connection) -> None:
        """Ask another backend from now on."""
        self._connection = connection
        self._busy.clear()
        self._waiting.clear()
        self._answers = object()

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
        self._answers = None
        self._waiting.clear()

    def _start(self, message: JobRequest, done: Done, slot: str) -> None:
        connection, to = self._connection, self._answers

        def work() -> None:  # on a thread
            answer: Message | BackendError
            try:
                answer = connection.request(message)
            except BackendError as error:
                answer = error
            GLib.idle_add(self._answered, answer, done, slot, to)

        threading.Thread(target=work, daemon=True, name="editgan-background").start()

    def _answered(self, answer: Message | BackendError, done: Done, slot: str, to: object) -> bool:
        if to is not self._answers:
            return GLib.SOURCE_REMOVE
        self._busy[slot] -= 1
        if slot in self._waiting:
            self.latest(slot, *self._waiting.pop(slot))
        if not isinstance(answer, BackendError):
            done(answer)
        elif answer.code != "cancelled":
            self._failed(PlugInError(backend_error(answer.code, answer.message), answer.code))
        return GLib.SOURCE_REMOVE
