"""The bridge: a process that has ZeroMQ and carries frames for one that has not.

It runs in the backend's environment and imports nothing of it: pyzmq and this package are enough.
Messages come on the standard input and go out on the standard output (protocol.pipe). It ends when
the input does, so it never outlives its client, and the backend notices that one is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

from protocol import connection_file, keys, links, local, paths, pipe
from protocol.connection_file import ConnectionInfo
from protocol.errors import BackendError
from protocol.links import LinkError
from protocol.typed import ProtocolError, from_wire

if TYPE_CHECKING:
    import zmq

    from protocol.zmq_link import ZmqLink

_LOOK_MS = 500  # how long a backend may be dead before that is noticed
_INSIDE = "inproc://from-the-client"


def main(words: list[str] | None = None) -> int:
    """Carry frames until the client hangs up; with "keys ROLE": make a key pair. The exit code."""
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["keys"] and words[1] in ("client", "server"):
        keys.own("client" if words[1] == "client" else "server")
        return 0
    source = sys.stdin.buffer
    # Whatever else may print must not get between the frames.
    drain = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        link, lock = _connect(source)
    except (BackendError, LinkError, ProtocolError, ValueError) as error:
        code = error.code if isinstance(error, BackendError) else ""
        detail = error.detail if isinstance(error, BackendError) else ""
        answer = {"code": code, "message": str(error), "detail": detail}
        pipe.write(drain, pipe.SETUP, [json.dumps(answer).encode()])
        return 1
    except EOFError:
        return 0
    try:
        pipe.write(drain, pipe.SETUP, [b"{}"])
        _carry(link, lock, source, drain)
    except OSError:  # the client does not read any more
        return 0
    finally:
        link.close()
    return 0


def _connect(source: IO[bytes]) -> tuple[ZmqLink, Path | None]:
    """The link that the setup asks for, and the lock that its backend holds."""
    from protocol.zmq_link import ZmqLink

    _, frames = pipe.read(source)
    asked = json.loads(frames[0])
    if isinstance(asked, dict) and pipe.START in asked:
        from protocol import launch

        os.environ.pop(links.SOCKET, None)  # or it would knock where it came from
        if asked[pipe.START] is True:
            launch.ensure_backend(client="bridge").close()
        info, lock = local.running(paths.connection_file())
        return ZmqLink(info), lock
    info = from_wire(ConnectionInfo, asked, (), "setup")
    return ZmqLink(info), None


def _carry(link: ZmqLink, lock: Path | None, source: IO[bytes], drain: IO[bytes]) -> None:
    """Until the client hangs up, or the backend that holds the lock has ended."""
    import zmq

    inside = link.context.socket(zmq.PAIR)
    inside.rcvhwm = inside.sndhwm = 0
    inside.bind(_INSIDE)
    reader = threading.Thread(target=_read, args=(link.context, source), daemon=True)
    reader.start()
    poller = zmq.Poller()
    sockets = {link.sockets[channel]: (channel, mark) for channel, mark in pipe.CHANNELS.items()}
    for socket in (inside, *sockets):
        poller.register(socket, zmq.POLLIN)
    channels = {mark: link.sockets[channel] for channel, mark in pipe.CHANNELS.items()}
    while True:
        ready = poller.poll(_LOOK_MS)
        if not ready and lock and not connection_file.is_held(lock):
            return
        for socket, _ in ready:
            if socket is inside:
                mark, *frames = inside.recv_multipart(copy=False)
                if not mark.bytes:
                    return
                channels[mark.bytes].send_multipart(frames, copy=False)
            else:
                _, mark_out = sockets[socket]
                received = socket.recv_multipart(copy=False)
                pipe.write(drain, mark_out, [frame.buffer for frame in received])


def _read(context: zmq.Context[zmq.Socket[bytes]], source: IO[bytes]) -> None:
    """Hand on what the client sends; at its end an empty mark."""
    import zmq

    inside = context.socket(zmq.PAIR)
    inside.linger = 0
    inside.sndhwm = 0
    inside.connect(_INSIDE)
    try:
        while True:
            mark, frames = pipe.read(source)
            if mark == pipe.SETUP:
                raise EOFError("the setup comes once")
            inside.send_multipart([mark, *frames], copy=False)
    except (EOFError, OSError, ValueError):
        inside.send(b"")
    except zmq.ZMQError:  # the other thread has ended
        return


if __name__ == "__main__":
    sys.exit(main())
