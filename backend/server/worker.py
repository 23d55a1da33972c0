"""The thread that does the work of one queue. One worker owns the device; another reads files."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from backend.errors import JobCancelled, is_out_of_memory
from backend.server.jobs import Job, JobQueue
from protocol.errors import UserError
from protocol.messages import ErrorReply, Message
from protocol.typed import MAX_TEXT, ProtocolError

_log = logging.getLogger(__name__)

_BETWEEN = 2  # jobs of others between two steps


class Handler(Protocol):
    """Answers requests, on the worker's thread."""

    def answer(self, job: Job) -> Message:
        """The job's result; raises UserError."""


class Worker:
    """Takes jobs from `queue`, sends each one's result or error.

    open_desk: called on the worker's thread, so that heavy imports delay nobody who only wants a
    ping; again where a thread had to be given up. Between the steps of a long job, previews that
    others wait for are made.
    """

    def __init__(
        self, name: str, queue: JobQueue, open_desk: Callable[[], Handler], log_file: Path
    ) -> None:
        self._name = name
        self._queue = queue
        self._open_desk = open_desk
        self._log_file = log_file
        self._running: list[Job] = []  # the last one was begun between the steps of those before
        self._thread = self._new_thread()

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def running(self) -> Job | None:
        """The job at work, also where its client has been told already that it was cancelled."""
        return next(iter(self._running), None)

    def watch(self) -> None:
        """Give up a job that gives no sign of life, and do the others on a new thread."""
        now = time.monotonic()
        running, stuck = list(self._running), self._thread
        if not any(job.overdue(now) for job in running):
            return
        frame = sys._current_frames().get(stuck.ident or 0)
        where = "".join(traceback.format_stack(frame)[-8:]) if frame else "unknown"
        self._thread, self._running = self._new_thread(), []
        self._thread.start()
        for job in running:
            _log.error("job %s %s is given up; it hangs in\n%s", job.id, job.kind, where)
            job.cancel()
            job.send(job, _stuck(job))

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, name=self._name, daemon=True)

    def _is_given_up(self) -> bool:
        return threading.current_thread() is not self._thread

    def _run(self) -> None:
        opened = _Opened(self._open_desk)
        try:
            opened.desk()
        except Exception:
            _log.exception("the worker could not be prepared; trying again with the first job")
        while not self._is_given_up() and (job := self._queue.take()):
            self._do(job, opened)

    def _do(self, job: Job, opened: _Opened) -> None:
        self._running.append(job)
        _log.info("job %s %s starts", job.id, job.kind)
        job.between = lambda: self._others_work(job, opened)
        reply = self._answer(job, opened)
        job.between = lambda: None
        if self._is_given_up():
            return
        outcome = reply.code if isinstance(reply, ErrorReply) else "done"
        _log.info("job %s %s ends: %s", job.id, job.kind, outcome)
        self._running.remove(job)
        job.send(job, reply)

    def _others_work(self, job: Job, opened: _Opened) -> None:
        """Between two steps of `job`: what is more urgent."""
        for _ in range(_BETWEEN):
            if self._is_given_up():
                raise JobCancelled
            if not (other := self._queue.take_more_urgent(job.urgency)):
                return
            self._do(other, opened)

    def _answer(self, job: Job, opened: _Opened) -> Message:
        try:
            job.check()
            return opened.desk().answer(job)
        except ProtocolError as error:
            return ErrorReply("bad_message", "The request does not fit together.", str(error))
        except Exception as error:
            if is_out_of_memory(error):
                return _out_of_memory(error)
            return _typed(error) or self._internal(job, error)

    def _internal(self, job: Job, error: Exception) -> ErrorReply:
        _log.exception("job %s %s failed", job.id, job.kind)
        sentence = f"Something went wrong inside EditGAN ({error!r:.200}); see {self._log_file}."
        return ErrorReply("internal", sentence, traceback.format_exc()[-4000:])


class _Opened:
    """A desk that is opened when it is first needed."""

    def __init__(self, open_desk: Callable[[], Handler]) -> None:
        self._open_desk = open_desk
        self._desk: Handler | None = None

    def desk(self) -> Handler:
        self._desk = self._desk or self._open_desk()
        return self._desk


def _stuck(job: Job) -> ErrorReply:
    sentence = (
        f"EditGAN gave up on this, as '{job.latest.text}' did not end; try a smaller change. "
        "Everything else goes on."
    )
    return ErrorReply("stuck", sentence, f"{job.kind}; the log says where")


def _typed(error: Exception) -> ErrorReply | None:
    if isinstance(error, UserError):
        return ErrorReply(error.code, error.message[:MAX_TEXT])
    return None


def _out_of_memory(error: BaseException) -> ErrorReply:
    _log.error("out of memory: %s", error)
    sentence = "There is not enough memory for this; close other programs or choose a smaller crop."
    return ErrorReply("out_of_memory", sentence, str(error)[:2000])
