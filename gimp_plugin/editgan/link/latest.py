"""One request at a time on a thread of its own; of those that wait, only the newest is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gi.repository import GLib

from link.errors import CommandCancelled
from protocol.client import Connection, new_job
from protocol.errors import BackendError
from protocol.messages import Event, JobRequest, Message


class Latest:
    """Sends what is offered; calls back on the main thread.

    A request that runs when a newer one is offered ends early, with its answer so far. After
    `close` nothing is called back any more.
    """

    def __init__(
        self,
        connection: Connection,
        on_event: Callable[[Event], None],
        on_answer: Callable[[Message | BackendError], None],
    ) -> None:
        self._connection = connection
        self._on_event, self._on_answer = on_event, on_answer
        self._changed = threading.Condition()
        self._waiting: JobRequest | None = None
        self._job: str | None = None
        self._closed = False
        threading.Thread(target=self._run, daemon=True, name="editgan-latest").start()

    @property
    def busy(self) -> bool:
        return self._job is not None or self._waiting is not None

    def offer(self, message: JobRequest) -> None:
        with self._changed:
            self._waiting = message
            self._changed.notify()
        self.end_soon()

    def end_soon(self) -> None:
        """Let the request that runs end with what it has; returns at once."""
        if job := self._job:
            threading.Thread(target=self._end, args=(job,), daemon=True).start()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting = None
            self._changed.notify()

    def _end(self, job: str) -> None:
        try:
            self._connection.cancel(job, keep=True)
        except BackendError:
            return  # the request itself tells

    def _run(self) -> None:
        while (message := self._next()) is not None:
            answer: Message | BackendError
            try:
                answer = self._connection.request(message, self._tell, self._job)
            except BackendError as error:
                answer = error
            except CommandCancelled:  # of `_tell`
                return
            self._job = None
            GLib.idle_add(self._call, self._on_answer, answer)

    def _next(self) -> JobRequest | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            message, self._waiting = self._waiting, None
            self._job = new_job() if message else None
            return message

    def _tell(self, event: Event) -> None:
        if self._closed:
            raise CommandCancelled  # Connection.request tells the backend
        if self._waiting and self._job:  # offered before this one had arrived there
            self._end(self._job)
        GLib.idle_add(self._call, self._on_event, event)

    def _call(self, callback: Callable[..., None], value: object) -> bool:
        if not self._closed:
            callback(value)
        return GLib.SOURCE_REMOVE
