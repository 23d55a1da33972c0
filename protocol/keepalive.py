"""Noticing that the other machine has vanished, by TCP itself."""

from __future__ import annotations

import zmq

_SILENCE_S, _PROBES = 10, 4  # half a minute in all
_UNANSWERED_MS = 30_000


def notice_vanished_machines(socket: zmq.Socket[bytes]) -> None:
    """Let a socket hang up within half a minute of silence; before it connects or binds.

    Not by ZMTP's heartbeats: where a client is gone whose messages wait in a full queue, libzmq
    4.3.5 aborts the whole process at the next one ("Assertion failed: !_io_error"). A process that
    dies on this machine is noticed at once, without either.
    """
    socket.tcp_keepalive = 1
    socket.tcp_keepalive_idle = socket.tcp_keepalive_intvl = _SILENCE_S
    socket.tcp_keepalive_cnt = _PROBES - 1
    socket.tcp_maxrt = _UNANSWERED_MS
