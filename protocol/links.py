"""What carries frames between a client and the backend: ZeroMQ here, or a bridge process.

Connection works with either. GIMP's bundled Python on Windows and macOS loads no compiled packages,
so pyzmq is found missing there, and the bridge is taken.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from protocol.connection_file import ConnectionInfo
from protocol.typed import Buffer

Channel = Literal["jobs", "control"]

SOCKET = "EDITGAN_SOCKET"  # where the waiting service is
_CHOICE = "EDITGAN_LINK"  # "bridge" or "zmq"; otherwise whether pyzmq loads decides


class LinkError(Exception):
    """Nothing can be sent or received any more, or not now."""


class Link(Protocol):
    """Two channels of multipart messages. A channel is used by one thread at a time."""

    def send(self, channel: Channel, frames: Sequence[Buffer]) -> None:
        """Hand over a message; never waits for the other side. Raises LinkError."""

    def poll(self, channel: Channel, milliseconds: int) -> bool:
        """Whether there is something to receive, within that time. Raises LinkError."""

    def receive(self, channel: Channel) -> Sequence[Buffer]:
        """The next message; call it after `poll` said so. Raises LinkError."""

    def close(self) -> None:
        """Hang up, dropping what is still on its way."""


def open_link(info: ConnectionInfo) -> Link:
    """A link to the backend at `info`. Raises BackendError "backend_missing", LinkError."""
    if uses_bridge():
        from protocol.bridge_link import BridgeLink

        return BridgeLink.through_process(info)
    from protocol.zmq_link import ZmqLink

    return ZmqLink(info)


def waiting_socket() -> Path | None:
    """The waiting service's socket, in a sandbox from which nothing else is reached."""
    path = os.environ.get(SOCKET)
    return Path(path) if path else None


def uses_bridge() -> bool:
    """Whether frames go through a bridge process."""
    return os.environ.get(_CHOICE) == "bridge" or not zmq_loads()


@functools.cache
def zmq_loads() -> bool:
    """Whether this Python can use pyzmq."""
    try:
        import zmq  # noqa: F401
    except ImportError:
        return False
    return True
