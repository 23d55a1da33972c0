"""The greeting, first on either socket, and the control socket's questions and answers."""

from __future__ import annotations

from dataclasses import dataclass

from protocol import PROTOCOL_NAME, PROTOCOL_VERSION
from protocol.facts import BundleInfo
from protocol.messages.fields import Count, Name
from protocol.messages.kinds import ControlRequest, Message


@dataclass(frozen=True)
class Hello(Message):
    client: str = "unnamed"
    protocol: str = PROTOCOL_NAME
    version: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class Welcome(Message):
    device: str
    bundles: list[str]
    protocol: str = PROTOCOL_NAME
    version: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class Ping(ControlRequest):
    pass


@dataclass(frozen=True)
class Pong(Message):
    pass


@dataclass(frozen=True)
class Cancel(ControlRequest):
    """keep: a job that runs ends soon, with its best result so far, instead of an error.

    A job that waits, and one that is not optimising anything, has nothing to keep: the first is
    cancelled, the second runs to its end.
    """

    job: Name
    keep: bool = False


@dataclass(frozen=True)
class Cancelled(Message):
    """The job itself answers on the jobs socket: with the error `cancelled`, or its result."""

    job: Name
    found: bool


@dataclass(frozen=True)
class Status(ControlRequest):
    pass


@dataclass(frozen=True)
class StatusReport(Message):
    """stage: what the job at work last said; silent_s: for how long it has said nothing."""

    version: str
    device: str
    bundles: list[BundleInfo]
    memory_mb: float
    uptime_s: float
    photos: Count
    running: str | None  # the kind of job at work
    queued: Count
    log: str
    stage: str = ""
    silent_s: float = 0.0


@dataclass(frozen=True)
class Log(ControlRequest):
    """The end of the backend's log, for a window that shows it."""


@dataclass(frozen=True)
class LogText(Message):
    text: str


@dataclass(frozen=True)
class Shutdown(ControlRequest):
    reason: str = ""


@dataclass(frozen=True)
class Bye(Message):
    pass
