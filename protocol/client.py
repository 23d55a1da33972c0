"""A client's end: one Connection, usable from several threads at once."""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from protocol import PROTOCOL_VERSION, connection_file, framing, local, paths, remote
from protocol.connection_file import ConnectionInfo
from protocol.errors import BackendError, backend_lost
from protocol.links import Channel, Link, LinkError, open_link, waiting_socket
from protocol.messages import (
    Cancel,
    Cancelled,
    ControlRequest,
    ErrorReply,
    Event,
    Hello,
    JobRequest,
    Log,
    LogText,
    Message,
    Ping,
    Shutdown,
    Status,
    StatusReport,
    Welcome,
)
from protocol.typed import ProtocolError

OnEvent = Callable[[Event], None]

_SLICE_MS = 50  # how long one thread may hold the jobs socket
_YIELD_S = 0.001
_SUSPICIOUS_S = 5.0  # the backend reports on every job twice a second: silence means trouble
_LOST_S = 30.0
_CONTROL_TIMEOUT_S = 10.0


def new_job() -> str:
    return uuid.uuid4().hex


class Connection:
    """A connection to a running backend. Open it with `Connection.open`.

    `welcome` is the backend's greeting. Every method may be called from any thread.
    """

    def __init__(
        self, info: ConnectionInfo, lock: Path | None, client: str, link: Link | None = None
    ) -> None:
        self._info = info
        self._lock_file = lock
        self._client = client
        self._jobs_lock = threading.Lock()
        self._control_lock = threading.Lock()
        self._inbox: defaultdict[str, deque[Message]] = defaultdict(deque)
        try:
            self._link = link or open_link(info)
        except LinkError as error:
            raise self._lost(str(error)) from None
        self.welcome = Welcome(device="unknown", bundles=[])

    @classmethod
    def open(
        cls, path: Path | None = None, timeout: float = 10.0, *, client: str = "editgan"
    ) -> Connection:
        """Connect to the running backend and greet it.

        path: a connection file. None: the backend on another machine where the settings choose
        one, else this user's. Raises BackendError: backend_missing (none runs), backend_lost (no
        answer within `timeout` seconds), protocol_version (plug-in and backend are of different
        versions), bad_settings.
        """
        info, lock = (remote.chosen() if path is None else None), None
        if info is None and path is None and (socket := waiting_socket()):
            return cls.through_service(socket, timeout, client=client, start=False)
        if info is None:
            info, lock = local.running(path or paths.connection_file())
        return cls(info, lock, client)._greeted(timeout)

    @classmethod
    def through_service(
        cls, socket: Path, timeout: float, *, client: str, start: bool
    ) -> Connection:
        """Connect through the waiting service at `socket`, from within a sandbox.

        start: whether it starts a backend where none runs. Raises BackendError as `open` does, and
        what goes wrong with the start.
        """
        from protocol.bridge_link import BridgeLink

        link = BridgeLink.through_socket(socket, start=start, patience=timeout)
        here = f"ipc://{socket}"
        info = ConnectionInfo(here, here, "", PROTOCOL_VERSION)
        return cls(info, None, client, link)._greeted(timeout)

    def _greeted(self, timeout: float) -> Self:
        try:
            self._greet(timeout)
        except BaseException:
            self.close()
            raise
        return self

    @property
    def is_remote(self) -> bool:
        """Whether the backend runs on another machine."""
        return self._info.lock is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. The backend cancels this connection's unfinished jobs."""
        with self._jobs_lock, self._control_lock:
            self._link.close()

    def request(
        self, message: JobRequest, on_event: OnEvent | None = None, job: str | None = None
    ) -> Message:
        """Send a job and wait for its result; `on_event` gets Progress and Preview on this thread.

        job: an id from `new_job`, where another thread should be able to `cancel` it. An exception
        from `on_event` cancels the job and is passed on. Raises BackendError for every error answer
        and for a backend that died.
        """
        job = job or new_job()
        try:
            return self._known(lambda: self._once(job, message, on_event), self._greet_jobs)
        except BackendError:
            raise
        except BaseException:
            self.cancel(job)
            raise
        finally:
            self._inbox.pop(job, None)

    def cancel(self, job: str, *, keep: bool = False) -> bool:
        """Ask for a job's end; its request then raises BackendError "cancelled".

        keep: if the job is optimising, its request returns soon with the best result so far.
        False: there is no such job.
        """
        reply = self._ask(Cancel(job, keep))
        return isinstance(reply, Cancelled) and reply.found

    def status(self) -> StatusReport:
        reply = self._ask(Status())
        if not isinstance(reply, StatusReport):
            raise _unexpected(reply)
        return reply

    def log(self) -> str:
        """The last lines of the backend's log."""
        reply = self._ask(Log())
        if not isinstance(reply, LogText):
            raise _unexpected(reply)
        return reply.text

    def ping(self, timeout: float = _CONTROL_TIMEOUT_S) -> None:
        """Return if the backend answers; raises BackendError "backend_lost" otherwise."""
        self._ask(Ping(), timeout)

    def shutdown(self) -> None:
        """Ask the backend to end; its unfinished jobs end with the error "shutting_down"."""
        self._ask(Shutdown())

    # --- inside ---

    def _once(self, job: str, message: JobRequest | Hello, on_event: OnEvent | None) -> Message:
        with self._jobs_lock:
            self._send("jobs", job, message)
        return self._wait(job, on_event or (lambda event: None))

    def _known(self, ask: Callable[[], Message], greet: Callable[[], object]) -> Message:
        """The answer; a backend that has forgotten this client is greeted once more."""
        try:
            return ask()
        except BackendError as error:
            if error.code != "not_greeted":
                raise
        greet()
        return ask()

    def _greet_jobs(self) -> None:
        job = new_job()
        try:
            self._once(job, Hello(self._client), None)
        finally:
            self._inbox.pop(job, None)

    def _greet(self, timeout: float) -> None:
        self._ask(Hello(self._client), timeout)
        with self._jobs_lock:
            reply = self._exchange("jobs", Hello(self._client), timeout)
        if not isinstance(reply, Welcome):
            raise _unexpected(reply)
        self.welcome = reply

    def _ask(self, message: ControlRequest | Hello, timeout: float = _CONTROL_TIMEOUT_S) -> Message:
        hello = Hello(self._client)
        with self._control_lock:
            return self._known(
                lambda: self._exchange("control", message, timeout),
                lambda: self._exchange("control", hello, timeout),
            )

    def _exchange(self, channel: Channel, message: Message, timeout: float) -> Message:
        """Send and wait for the answer with the same id.

        Late answers to earlier questions that were given up are dropped.
        """
        job = new_job()
        self._send(channel, job, message)
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if self._poll(channel, int(min(left, 0.25) * 1000) + 1):
                answered, reply = self._receive(channel)
                if answered == job:
                    return _checked(reply)
            else:
                self._check_lock()
        raise self._lost(f"no answer to {type(message).__name__} within {timeout:.0f} s")

    def _wait(self, job: str, on_event: OnEvent) -> Message:
        heard = checked = time.monotonic()
        while True:
            with self._jobs_lock:
                self._collect()
            for message in self._drain(job):
                heard = checked = time.monotonic()
                if not isinstance(message, Event):
                    return _checked(message)
                on_event(message)
            time.sleep(_YIELD_S)  # or a thread that waits for the lock could wait for our whole job
            now = time.monotonic()
            if now - heard > 5 * _SLICE_MS / 1000:
                self._check_lock()
            if now - heard > _LOST_S:  # it lives, but a reconnection lost the job
                raise self._lost(f"no news of job {job} for {_LOST_S:.0f} s")
            if now - checked > _SUSPICIOUS_S:
                self.ping(_LOST_S)  # on a busy machine loading torch holds up everything
                checked = time.monotonic()

    def _collect(self) -> None:
        """Sort what has arrived on the jobs socket by job."""
        timeout = _SLICE_MS
        while self._poll("jobs", timeout):
            job, message = self._receive("jobs")
            self._inbox[job].append(message)
            timeout = 0

    def _drain(self, job: str) -> list[Message]:
        inbox = self._inbox[job]
        return [inbox.popleft() for _ in range(len(inbox))]

    def _check_lock(self) -> None:
        if self._lock_file and not connection_file.is_held(self._lock_file):
            raise self._lost(f"{self._lock_file} is not held any more")

    def _lost(self, detail: str) -> BackendError:
        return backend_lost(detail, self._info.jobs if self.is_remote else None)

    def _send(self, channel: Channel, job: str, message: Message) -> None:
        frames = framing.pack(job, message)
        try:
            self._link.send(channel, frames)
        except LinkError as error:
            raise self._lost(str(error)) from None

    def _poll(self, channel: Channel, milliseconds: int) -> bool:
        try:
            return self._link.poll(channel, milliseconds)
        except LinkError as error:  # closed under our feet by another thread, say
            raise self._lost(str(error)) from None

    def _receive(self, channel: Channel) -> tuple[str, Message]:
        frames = self._link.receive(channel)
        try:
            return framing.unpack(frames)
        except ProtocolError as error:
            sentence = "The EditGAN backend sent something unreadable; update it and the plug-in."
            return error.job, ErrorReply("bad_message", sentence, str(error))


def _checked(message: Message) -> Message:
    if isinstance(message, ErrorReply):
        raise BackendError(message.code, message.message, message.detail)
    return message


def _unexpected(reply: Message) -> BackendError:
    sentence = "The EditGAN backend answered with something unexpected; update it and the plug-in."
    return BackendError("bad_message", sentence, type(reply).__name__)
