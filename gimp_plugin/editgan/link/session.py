"""Talking to the backend while GIMP stays live.

Socket work runs on a worker thread; the main thread turns GLib's loop meanwhile, so that progress,
previews and dialogs go on. Only the main thread ever calls GIMP.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar

from gi.repository import GLib

from link.backend_texts import backend_error, backend_text
from link.errors import CommandCancelled, PlugInError
from link.progress import View
from link.texts import _
from protocol.client import Connection, new_job
from protocol.errors import BackendError
from protocol.launch import ensure_backend
from protocol.messages import Event, JobRequest, Message, Progress

R = TypeVar("R")
WHOLE = (0.0, 1.0)
CLIENT = "gimp-plug-in"
_FINISHED = "Done"  # the backend's last text of a job


class Session:
    """One command's connection to the backend. Use it in a `with` block.

    start: start a backend if none runs.
    Raises PlugInError for everything that goes wrong, CommandCancelled when the user stops it.
    """

    def __init__(self, view: View, *, start: bool = True) -> None:
        self.view = view
        self.about = ""  # what the present jobs are about, in front of what they tell
        view.say(_("Connecting to the EditGAN backend"))
        connect = ensure_backend if start else Connection.open
        self.connection: Connection = self.background(lambda: connect(client=CLIENT))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.connection.close()

    def background(self, work: Callable[[], R]) -> R:
        """Run `work`, which must not call GIMP, on a thread; the main loop turns meanwhile."""
        try:
            return _Task(work).result()
        except BackendError as error:
            if error.code == "cancelled":
                raise CommandCancelled from error
            raise PlugInError(backend_error(error.code, error.message), error.code) from error

    def request(self, message: JobRequest, span: tuple[float, float] = WHOLE) -> Message:
        """Send a job and wait for its result; span: the part of the progress bar that it fills."""

        def on_event(event: Event) -> None:  # on the worker thread
            if self.view.cancelled.is_set():
                raise CommandCancelled  # Connection.request tells the backend
            GLib.idle_add(self._show, event, span)

        job = new_job()
        self.view.begin(lambda keep: self._stop(job, keep))
        return self.background(lambda: self.connection.request(message, on_event, job))

    def bundle_sha(self, bundle: str) -> str:
        """Which generator a bundle has now; empty if it is not installed."""
        status = self.background(self.connection.status)
        found = (one.sha for one in status.bundles if one.name == bundle)
        return next(found, "")

    def _stop(self, job: str, keep: bool) -> None:
        """End the job at once; its request says what came of it."""

        def stop() -> None:
            with contextlib.suppress(BackendError):
                self.connection.cancel(job, keep=keep)

        threading.Thread(target=stop, daemon=True).start()

    def _show(self, event: Event, span: tuple[float, float]) -> bool:
        if isinstance(event, Progress):
            if event.text == _FINISHED:  # a job has, the command has not
                return GLib.SOURCE_REMOVE
            event = replace(event, text=self.about + backend_text(event.text))
        self.view.show(event, span)
        return GLib.SOURCE_REMOVE


class _Task(Generic[R]):
    """`work` on a thread of its own."""

    def __init__(self, work: Callable[[], R]) -> None:
        self._work = work
        self._loop = GLib.MainLoop()
        self._value: R
        self._error: BaseException | None = None

    def result(self) -> R:
        thread = threading.Thread(target=self._run, daemon=True, name="editgan-socket")
        thread.start()
        self._loop.run()
        thread.join()
        if self._error is not None:
            raise self._error
        return self._value

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # raised again on the main thread
            self._error = error
        finally:
            GLib.idle_add(self._loop.quit)


M = TypeVar("M", bound=Message)


def expect(kind: type[M], answer: Message) -> M:
    """The answer, if it is of the kind that the protocol promises."""
    if not isinstance(answer, kind):
        raise PlugInError(
            _("The EditGAN backend answered with something unexpected: run install.py again.")
        )
    return answer
