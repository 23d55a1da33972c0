"""The thread that reads what clients send to the jobs socket.

Checking the worst message that the limits allow takes seconds; pings must not wait for that.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protocol import framing
from protocol.messages import Message
from protocol.typed import Buffer, ProtocolError

_MOST_WAITING = 64  # messages; then clients' own queues fill
_MOST_BYTES = 1 << 30  # of them; one message may be larger


@dataclass(frozen=True)
class Decoded:
    """What one client sent: a message, or why there is none."""

    client: bytes
    job: str
    message: Message | ProtocolError


def decode(client: bytes, frames: Sequence[Buffer]) -> Decoded:
    """Read a message; whatever is wrong with it is part of the answer."""
    try:
        return Decoded(client, *framing.unpack(frames, framing.MAX_REQUEST))
    except ProtocolError as error:
        return Decoded(client, error.job, error)
    except Exception as error:  # our mistake must not end everybody's work
        problem = ProtocolError(f"{type(error).__name__}: {str(error)[:200]}")
        return Decoded(client, "", problem)


class Decoder(threading.Thread):
    """Decodes one message after the other, in the order in which they came."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """wake: called on this thread when something was decoded."""
        super().__init__(name="decoder", daemon=True)
        self._wake = wake
        self._given: queue.SimpleQueue[tuple[bytes, list[Buffer]] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Decoded] = queue.SimpleQueue()
        self._open: deque[int] = deque()  # bytes of those given and not yet taken back, in order

    @property
    def is_full(self) -> bool:
        return len(self._open) >= _MOST_WAITING or sum(self._open) >= _MOST_BYTES

    @property
    def is_idle(self) -> bool:
        return not self._open

    def put(self, client: bytes, frames: list[Buffer]) -> None:
        self._open.append(sum(memoryview(frame).nbytes for frame in frames))
        self._given.put((client, frames))

    def take(self) -> Decoded | None:
        """What was decoded next, None where nothing is ready."""
        try:
            done = self._done.get_nowait()
        except queue.Empty:
            return None
        self._open.popleft()
        return done

    def run(self) -> None:
        while given := self._given.get():
            self._done.put(decode(*given))
            del given  # large frames go as soon as their message does
            self._wake()

    def close(self) -> None:
        self._given.put(None)
