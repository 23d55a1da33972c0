"""The thread that does the work of one queue. One worker owns the device; another reads files."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from backend.server.jobs import Job, JobQueue
from backend.server.memory import is_out_of_memory
from protocol.errors import UserError
from protocol.messages import ErrorReply, Message
from protocol.typed import MAX_TEXT, ProtocolError

_log = logging.getLogger(__name__)


class Desk(Protocol):
    """Answers requests, on the worker's thread."""

    def answer(self, job: Job) -> Message:
        """The job's result; raises UserError."""


class Worker(threading.Thread):
    """Takes jobs from `queue`, sends each one's result or error.

    open_desk: called on this thread, so that heavy imports delay nobody who only wants a ping.
    """

    def __init__(
        self, name: str, queue: JobQueue, open_desk: Callable[[], Desk], log_file: Path
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.running: Job | None = None
        self._queue = queue
        self._open_desk = open_desk
        self._log_file = log_file
        self._desk: Desk | None = None

    def run(self) -> None:
        try:
            self._desk = self._open_desk()
        except Exception:
            _log.exception("the worker could not be prepared; trying again with the first job")
        while job := self._queue.take():
            self.running = job
            _log.info("job %s %s starts", job.id, job.kind)
            reply = self._answer(job)
            outcome = reply.code if isinstance(reply, ErrorReply) else "done"
            _log.info("job %s %s ends: %s", job.id, job.kind, outcome)
            self.running = None
            job.send(job, reply)

    def _answer(self, job: Job) -> Message:
        try:
            job.check()
            self._desk = self._desk or self._open_desk()
            return self._desk.answer(job)
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


def _typed(error: Exception) -> ErrorReply | None:
    if isinstance(error, UserError):
        return ErrorReply(error.code, error.message[:MAX_TEXT])
    return None


def _out_of_memory(error: BaseException) -> ErrorReply:
    _log.error("out of memory: %s", error)
    sentence = "There is not enough memory for this; close other programs or choose a smaller crop."
    return ErrorReply("out_of_memory", sentence, str(error)[:2000])
