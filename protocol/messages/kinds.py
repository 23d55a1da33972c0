"""The kinds of messages: on which socket one travels, and what answers it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """Anything that travels on its own; on the wire under its class name."""


class JobRequest(Message):
    """Sent on the jobs socket: any number of events, then one result or ErrorReply."""


class FilesRequest(JobRequest):
    """A job on the files of edits or bundles: needs no device and waits for no job that does."""


class TransferRequest(JobRequest):
    """A job that waits for the network: none of the others waits for it."""


class ControlRequest(Message):
    """Sent on the control socket: one reply at once."""


class Event(Message):
    """News of a job that is still running."""
