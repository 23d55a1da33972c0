"""The I/O thread: takes requests from both sockets, hands jobs to their worker, sends what they
say.

Nothing here waits for a job, nor for a message that is much work to read: cancel, ping, status and
shutdown are answered at once.
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

from backend.server import replies
from backend.server.decoding import Decoded, Decoder, decode
from backend.server.jobs import Job, JobQueue
from backend.server.replies import Frames
from backend.server.sockets import Listening
from protocol.messages import (
    Bye,
    Cancel,
    Cancelled,
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
    TransferRequest,
    Welcome,
)
from protocol.typed import Buffer, ProtocolError

_log = logging.getLogger(__name__)


_TICK_S = 0.5
_BATCH = 50  # messages from one socket before the other gets its turn
MAX_CLIENTS = 4096
_MAX_JOBS = 64  # of one client
_MAX_BYTES = 2 << 30  # of pixels that wait with them


@dataclass(frozen=True)
class Answers:
    """What the service says about the backend: called on the I/O thread, so they must be quick."""

    welcome: Callable[[], Welcome]
    status: Callable[[int], StatusReport]  # (waiting jobs)
    log: Callable[[], LogText]
    watch: Callable[[], None]  # twice a second: does every job at work give signs of life?


class Service:
    """Runs until it is stopped, asked to shut down, or idle for `idle_timeout()` seconds (0:
    never).
    """

    def __init__(
        self,
        sockets: Listening,
        device: JobQueue,
        files: JobQueue,
        transfers: JobQueue,
        answers: Answers,
        idle_timeout: Callable[[], float],
    ) -> None:
        self._sockets = sockets
        self._device, self._files, self._transfers = device, files, transfers
        self._answers = answers
        self._idle_timeout = idle_timeout
        self._jobs: dict[tuple[bytes, str], Job] = {}
        self._greeted: OrderedDict[tuple[str, bytes], None] = OrderedDict()
        self._outbox: queue.SimpleQueue[tuple[Job, bool, Frames]] = queue.SimpleQueue()
        self._decoder = Decoder(self._wake)
        self._cancelled_early: set[str] = set()  # ids of jobs that are still being decoded
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
        self._decoder.start()
        while not self._stopping:
            poller.modify(self._sockets.jobs, 0 if self._decoder.is_full else zmq.POLLIN)
            poller.poll(max(0, int((next_tick - time.monotonic()) * 1000)))
            self._receive(self._sockets.control, self._answer_control)
            self._take_decoded()
            self._receive(self._sockets.jobs, self._decoder.put)
            self._send_outbox()
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + _TICK_S
                self._tick()
        self._end()

    # --- receiving ---

    def _receive(
        self, source: zmq.Socket[bytes], handle: Callable[[bytes, list[Buffer]], None]
    ) -> None:
        for _ in range(_BATCH):
            if source is self._sockets.jobs and self._decoder.is_full:
                return
            try:
                frames = source.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            handle(frames[0].bytes, [frame.buffer for frame in frames[1:]])

    def _answer_control(self, client: bytes, frames: list[Buffer]) -> None:
        """Read it at once: such messages are small."""
        self._answer(self._sockets.control, "control", decode(client, frames), self._on_control)

    def _take_decoded(self) -> None:
        while decoded := self._decoder.take():
            self._answer(self._sockets.jobs, "jobs", decoded, self._on_job)
        if self._decoder.is_idle:
            self._cancelled_early.clear()

    def _answer(
        self,
        source: zmq.Socket[bytes],
        name: str,
        decoded: Decoded,
        handle: Callable[[bytes, str, Message], Message | None],
    ) -> None:
        client, job, message = decoded.client, decoded.job, decoded.message
        reply: Message | None
        if isinstance(message, ProtocolError):
            _log.warning("unreadable message on %s: %s", name, message)
            reply = replies.refusal(message)
        else:
            self._active = time.monotonic()
            try:
                reply = self._check_greeting(name, client, message) or handle(client, job, message)
            except Exception as error:  # our mistake must not end everybody's work
                _log.exception("a message on %s could not be handled", name)
                reply = replies.internal(error)
        if reply:
            self._send(source, client, job, reply)

    def _check_greeting(self, name: str, client: bytes, message: Message) -> Message | None:
        """The answer to a greeting, or to its absence; None for a message to continue with."""
        if isinstance(message, Hello):
            if self._stopping:  # or a client that starts the next backend would stay with this one
                return replies.SHUTTING_DOWN
            if message.protocol != "editgan":
                return replies.bad_message(f"protocol {message.protocol[:40]!r}")
            self._greeted[name, client] = None
            if len(self._greeted) > MAX_CLIENTS:
                self._greeted.popitem(last=False)
            return self._answers.welcome()
        if (name, client) not in self._greeted:
            return replies.NOT_GREETED
        self._greeted.move_to_end((name, client))  # those go who were not heard of for longest
        return None

    def _on_control(self, client: bytes, job: str, message: Message) -> Message:
        match message:
            case Ping():
                return Pong()
            case Cancel():
                return Cancelled(message.job, self._cancel(message.job, message.keep))
            case Status():
                waiting = sum(j.started is None for j in self._jobs.values())
                return self._answers.status(waiting)
            case Log():
                return self._answers.log()
            case Shutdown():
                _log.info("shutdown was asked for: %s", message.reason[:200])
                self._stopping = True
                return Bye()
        return replies.bad_message(f"{type(message).__name__} on the control socket")

    def _on_job(self, client: bytes, job_id: str, message: Message) -> Message | None:
        """Put a job into its queue; returns why not."""
        key = client, job_id
        if not isinstance(message, JobRequest):
            return replies.bad_message(f"{type(message).__name__} on the jobs socket")
        if not job_id or key in self._jobs:
            return replies.bad_message("a job needs an id of its own")
        job = Job(client, job_id, message, self._post)
        mine = [other for other in self._jobs.values() if other.client == client]
        size = job.size + sum(other.size for other in mine)
        if len(mine) >= _MAX_JOBS or (mine and size > _MAX_BYTES):
            return replies.BUSY
        if job_id in self._cancelled_early:
            return replies.CANCELLED
        self._jobs[key] = job
        for old in self._queue_of(job).put(job):
            self._deliver(old, replies.REPLACED)
        return None

    def _queue_of(self, job: Job) -> JobQueue:
        if isinstance(job.request, TransferRequest):
            return self._transfers
        return self._files if isinstance(job.request, FilesRequest) else self._device

    def _cancel(self, job_id: str, keep: bool) -> bool:
        """Answer the job at once; where it runs, its worker notices at its next step.

        keep: a job that runs ends with its result, with the best iterate so far.
        """
        job = next((job for job in self._jobs.values() if job.id == job_id), None)
        if job is None and not self._decoder.is_idle:  # perhaps it is being decoded
            self._cancelled_early.add(job_id)
        if job and keep and job.started:
            job.enough.set()
        elif job:
            job.cancel()
            self._queue_of(job).remove(job)
            self._deliver(job, replies.CANCELLED)
        return job is not None

    # --- sending ---

    def _post(self, job: Job, message: Message) -> None:
        """Called by workers: packed on their thread, sent by the I/O thread."""
        self._outbox.put((job, not isinstance(message, Event), replies.packed(job.id, message)))
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: the loop will wake up anyway
            self._wake_in.send(b"!")

    def _send_outbox(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_out.recv(4096)
        with contextlib.suppress(queue.Empty):
            while True:
                self._deliver_frames(*self._outbox.get_nowait())

    def _deliver(self, job: Job, message: Message) -> None:
        """Send a job's event or its one final answer; nothing once it was answered."""
        self._deliver_frames(job, not isinstance(message, Event), replies.packed(job.id, message))

    def _deliver_frames(self, job: Job, final: bool, frames: Frames) -> None:
        if self._jobs.get((job.client, job.id)) is not job:
            return
        if final:
            del self._jobs[job.client, job.id]
            self._active = time.monotonic()
        self._send_frames(self._sockets.jobs, job.client, frames)

    def _send(self, target: zmq.Socket[bytes], client: bytes, job: str, message: Message) -> None:
        self._send_frames(target, client, replies.packed(job, message))

    def _send_frames(self, target: zmq.Socket[bytes], client: bytes, frames: Frames) -> None:
        try:
            target.send_multipart([client, *frames], zmq.NOBLOCK, copy=False)
        except zmq.Again:
            _log.warning("a client does not read: an answer was dropped")
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._forget(client)

    def _forget(self, client: bytes) -> None:
        """The client is gone: nobody waits for its jobs."""
        for key in [key for key in self._jobs if key[0] == client]:
            job = self._jobs.pop(key)
            _log.info("job %s %s cancelled: its client is gone", job.id, job.kind)
            job.cancel()
            self._queue_of(job).remove(job)

    # --- time ---

    def _tick(self) -> None:
        """Repeat every job's progress: clients see that we live, and we see which clients do."""
        self._answers.watch()
        for job in list(self._jobs.values()):
            if (job.client, job.id) in self._jobs:  # not forgotten a moment ago
                self._deliver(job, job.latest)
        idle = time.monotonic() - self._active
        if not self._jobs and 0 < self._idle_timeout() < idle:
            _log.info("idle for %.0f s", idle)
            self._stopping = True

    def _end(self) -> None:
        for job in list(self._jobs.values()):
            job.cancel()
            self._deliver(job, replies.SHUTTING_DOWN)
        self._decoder.close()
        self._device.close()
        self._files.close()
        self._transfers.close()
        self._wake_in.close()
        self._wake_out.close()
