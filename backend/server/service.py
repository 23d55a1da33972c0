"""The I/O thread: takes requests from both sockets, hands jobs to their worker, sends what they
say.

Nothing here waits for a job: cancel, ping, status and shutdown are answered at once.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from backend.server.jobs import Job, JobQueue
from backend.server.sockets import Listening
from protocol import PROTOCOL_VERSION, framing
from protocol.messages import (
    Bye,
    Cancel,
    Cancelled,
    ErrorReply,
    Event,
    FilesRequest,
    Hello,
    JobRequest,
    Log,
    LogText,
    Message,
    Ping,
    Pong,
    Shutdown,
    Status,
    StatusReport,
    Welcome,
)
from protocol.typed import ProtocolError, WrongVersionError

_log = logging.getLogger(__name__)

_TICK_S = 0.5
_BATCH = 50  # messages from one socket before the other gets its turn
_MAX_CLIENTS = 4096
_MAX_JOBS = 64  # of one client
_INTERNAL = "EditGAN could not handle a message; its log says why."
_REPLACED = ErrorReply("cancelled", "A newer request took its place.", "replaced")
_SHUTTING_DOWN = ErrorReply("shutting_down", "The backend is ending; run the command again.")


@dataclass(frozen=True)
class Answers:
    """What the service says about the backend: called on the I/O thread, so they must be quick."""

    welcome: Callable[[], Welcome]
    status: Callable[[str | None, int], StatusReport]  # (kind of the running job, waiting jobs)
    log: Callable[[], LogText]


class Service:
    """Runs until it is stopped, asked to shut down, or idle for `idle_timeout()` seconds (0:
    never).
    """

    def __init__(
        self,
        sockets: Listening,
        device: JobQueue,
        files: JobQueue,
        answers: Answers,
        idle_timeout: Callable[[], float],
    ) -> None:
        self._sockets = sockets
        self._device, self._files = device, files
        self._answers = answers
        self._idle_timeout = idle_timeout
        self._jobs: dict[tuple[bytes, str], Job] = {}
        self._greeted: OrderedDict[tuple[str, bytes], None] = OrderedDict()
        self._outbox: queue.SimpleQueue[tuple[Job, Message]] = queue.SimpleQueue()
        self._wake_in, self._wake_out = socket.socketpair()
        for end in (self._wake_in, self._wake_out):
            end.setblocking(False)
        self._active = time.monotonic()
        self._stopping = False

    def stop(self) -> None:
        """End the loop soon; from any thread or signal handler."""
        self._stopping = True
        self._wake()

    def run(self) -> None:
        poller = zmq.Poller()
        for source in (self._sockets.jobs, self._sockets.control, self._wake_out):
            poller.register(source, zmq.POLLIN)
        next_tick = time.monotonic() + _TICK_S
        while not self._stopping:
            poller.poll(max(0, int((next_tick - time.monotonic()) * 1000)))
            self._receive(self._sockets.control, "control", self._on_control)
            self._receive(self._sockets.jobs, "jobs", self._on_job)
            self._send_outbox()
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + _TICK_S
                self._tick()
        self._end()

    # --- receiving ---

    def _receive(
        self,
        source: zmq.Socket[bytes],
        name: str,
        handle: Callable[[bytes, str, Message], Message | None],
    ) -> None:
        for _ in range(_BATCH):
            try:
                frames = source.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            client, content = frames[0].bytes, [frame.buffer for frame in frames[1:]]
            reply: Message | None
            try:
                job, message = framing.unpack(content)
                self._active = time.monotonic()
                reply = self._check_greeting(name, client, message) or handle(client, job, message)
            except WrongVersionError as error:
                reply = _wrong_version(error)
            except ProtocolError as error:
                _log.warning("unreadable message on %s: %s", name, error)
                reply = _bad_message(str(error))
            except Exception as error:  # our mistake must not end everybody's work
                _log.exception("a message on %s could not be handled", name)
                reply = ErrorReply("internal", _INTERNAL, repr(error)[:2000])
            if reply:
                self._send(source, client, framing.job_of(content), reply)

    def _check_greeting(self, name: str, client: bytes, message: Message) -> Message | None:
        """The answer to a greeting, or to its absence; None for a message to go on with."""
        if isinstance(message, Hello):
            if self._stopping:  # or a client that starts the next backend would stay with this one
                return _SHUTTING_DOWN
            if message.protocol != "editgan":
                return _bad_message(f"protocol {message.protocol[:40]!r}")
            self._greeted[name, client] = None
            if len(self._greeted) > _MAX_CLIENTS:
                self._greeted.popitem(last=False)
            return self._answers.welcome()
        if (name, client) not in self._greeted:
            return _bad_message("the first message must be Hello")
        return None

    def _on_control(self, client: bytes, job: str, message: Message) -> Message:
        match message:
            case Ping():
                return Pong()
            case Cancel():
                return Cancelled(message.job, self._cancel(message.job, message.keep))
            case Status():
                running = next((j.kind for j in self._jobs.values() if j.started), None)
                waiting = sum(j.started is None for j in self._jobs.values())
                return self._answers.status(running, waiting)
            case Log():
                return self._answers.log()
            case Shutdown():
                _log.info("shutdown was asked for: %s", message.reason[:200])
                self._stopping = True
                return Bye()
        return _bad_message(f"{type(message).__name__} on the control socket")

    def _on_job(self, client: bytes, job_id: str, message: Message) -> Message | None:
        """Put a job into its queue; returns why not."""
        key = client, job_id
        if not isinstance(message, JobRequest):
            return _bad_message(f"{type(message).__name__} on the jobs socket")
        if not job_id or key in self._jobs:
            return _bad_message("a job needs an id of its own")
        if sum(owner == client for owner, _ in self._jobs) >= _MAX_JOBS:
            return ErrorReply("busy", "Too many jobs are waiting; try again in a moment.")
        job = Job(client, job_id, message, self._post)
        self._jobs[key] = job
        for old in self._queue_of(job).put(job):
            self._deliver(old, _REPLACED)
        return None

    def _queue_of(self, job: Job) -> JobQueue:
        return self._files if isinstance(job.request, FilesRequest) else self._device

    def _cancel(self, job_id: str, keep: bool) -> bool:
        """Answer the job at once; where it runs, its worker notices at its next step.

        keep: a job that runs goes on to its result, with the best iterate so far.
        """
        job = next((job for job in self._jobs.values() if job.id == job_id), None)
        if job and keep and job.started:
            job.enough.set()
        elif job:
            job.cancelled.set()
            self._queue_of(job).remove(job)
            self._deliver(job, ErrorReply("cancelled", "The job was cancelled."))
        return job is not None

    # --- sending ---

    def _post(self, job: Job, message: Message) -> None:
        """Called by workers: the I/O thread sends it."""
        self._outbox.put((job, message))
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: the loop will wake up anyway
            self._wake_in.send(b"!")

    def _send_outbox(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_out.recv(4096)
        with contextlib.suppress(queue.Empty):
            while True:
                self._deliver(*self._outbox.get_nowait())

    def _deliver(self, job: Job, message: Message) -> None:
        """Send a job's event or its one final answer; nothing once it was answered."""
        if self._jobs.get((job.client, job.id)) is not job:
            return
        if not isinstance(message, Event):
            del self._jobs[job.client, job.id]
            self._active = time.monotonic()
        self._send(self._sockets.jobs, job.client, job.id, message)

    def _send(self, target: zmq.Socket[bytes], client: bytes, job: str, message: Message) -> None:
        try:
            frames = framing.pack(job, message)
        except (ProtocolError, TypeError, ValueError, OverflowError) as error:
            _log.exception("%s cannot be sent", type(message).__name__)
            problem = ErrorReply(
                "internal", "EditGAN made an answer that cannot be sent.", str(error)
            )
            frames = framing.pack(job, problem)
        try:
            target.send_multipart([client, *frames], zmq.NOBLOCK, copy=False)
        except zmq.Again:
            _log.warning("a client does not read: %s dropped", type(message).__name__)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._forget(client)

    def _forget(self, client: bytes) -> None:
        """The client is gone: nobody waits for its jobs."""
        for key in [key for key in self._jobs if key[0] == client]:
            job = self._jobs.pop(key)
            _log.info("job %s %s cancelled: its client is gone", job.id, job.kind)
            job.cancelled.set()
            self._queue_of(job).remove(job)

    # --- time ---

    def _tick(self) -> None:
        """Repeat every job's progress: clients see that we live, and we see which clients do."""
        for job in list(self._jobs.values()):
            if (job.client, job.id) in self._jobs:  # not forgotten a moment ago
                self._deliver(job, job.latest)
        idle = time.monotonic() - self._active
        if not self._jobs and 0 < self._idle_timeout() < idle:
            _log.info("idle for %.0f s", idle)
            self._stopping = True

    def _end(self) -> None:
        for job in list(self._jobs.values()):
            job.cancelled.set()
            self._deliver(job, _SHUTTING_DOWN)
        self._device.close()
        self._files.close()
        self._wake_in.close()
        self._wake_out.close()


def _wrong_version(error: WrongVersionError) -> ErrorReply:
    sentence = (
        "The plug-in and the backend are of different versions; run install.py again and "
        "restart GIMP."
    )
    detail = f"backend speaks {PROTOCOL_VERSION}, the client {error.version!r:.40}"
    return ErrorReply("protocol_version", sentence, detail)


def _bad_message(detail: str) -> ErrorReply:
    sentence = "The backend could not read a message; update the plug-in and the backend."
    return ErrorReply("bad_message", sentence, detail[:2000])
