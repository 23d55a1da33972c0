"""Requests of a window that must not freeze: sockets on threads, answers on the main thread."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable

from gi.repository import GLib

from link.backend_texts import backend_error
from link.errors import PlugInError
from protocol.client import Connection, new_job
from protocol.errors import BackendError
from protocol.messages import Event, JobRequest, Message

Done = Callable[[Message], None]
Failed = Callable[[PlugInError], None]
Heard = Callable[[Event], None]


class Background:
    """Everything here is called on the main thread, `failed` and each `done` too.

    After `close` nothing is called back any more, after `reconnect` nothing of what was asked
    before.
    """

    def __init__(
        self,
        connection: Connection,
        failed: Callable[[PlugInError], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """wanted: whether there still is what all answers are about."""
        self._connection = connection
        self._failed, self._wanted = failed, wanted
        self._busy: Counter[str] = Counter()
        self._waiting: dict[str, tuple[JobRequest, Done]] = {}
        self._answers = object()  # to whom: another one after `reconnect`, None after `close`

    def reconnect(self, connection: Connection) -> None:
        """Ask another backend from now on."""
        self._connection = connection
        self._busy.clear()
        self._waiting.clear()
        self._answers = object()

    @property
    def is_busy(self) -> bool:
        """Whether any request is not answered yet."""
        return self._busy.total() > 0

    def ask(
        self,
        message: JobRequest,
        done: Done,
        slot: str = "",
        *,
        failed: Failed | None = None,
        heard: Heard | None = None,
    ) -> str:
        """Send a request; returns at once, with the id of its job.

        failed: is told of its error, "cancelled" included, in place of everybody's `failed`.
        heard: gets its events.
        """
        self._busy[slot] += 1
        job = new_job()
        self._start(message, done, slot, job, failed, heard)
        return job

    def cancel(self, job: str) -> None:
        """Let a request end with the error "cancelled"; returns at once."""

        def work() -> None:  # on a thread
            with contextlib.suppress(BackendError):
                connection.cancel(job)

        connection = self._connection
        threading.Thread(target=work, daemon=True, name="editgan-cancelling").start()

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

    def _start(
        self,
        message: JobRequest,
        done: Done,
        slot: str,
        job: str,
        failed: Failed | None,
        heard: Heard | None,
    ) -> None:
        connection, to = self._connection, self._answers

        def on_event(event: Event) -> None:  # on the thread
            if heard is not None:
                GLib.idle_add(self._heard, event, heard, to)

        def work() -> None:  # on a thread
            answer: Message | BackendError
            try:
                answer = connection.request(message, on_event, job)
            except BackendError as error:
                answer = error
            GLib.idle_add(self._answered, answer, done, failed, slot, to)

        threading.Thread(target=work, daemon=True, name="editgan-background").start()

    def _heard(self, event: Event, heard: Heard, to: object) -> bool:
        if to is self._answers and self._wanted():
            heard(event)
        return GLib.SOURCE_REMOVE

    def _answered(
        self,
        answer: Message | BackendError,
        done: Done,
        failed: Failed | None,
        slot: str,
        to: object,
    ) -> bool:
        if to is not self._answers or not self._wanted():
            return GLib.SOURCE_REMOVE
        self._busy[slot] -= 1
        if slot in self._waiting:
            self.latest(slot, *self._waiting.pop(slot))
        if not isinstance(answer, BackendError):
            done(answer)
        elif failed is not None or answer.code != "cancelled":
            problem = PlugInError(backend_error(answer.code, answer.message), answer.code)
            (failed or self._failed)(problem)
        return GLib.SOURCE_REMOVE
