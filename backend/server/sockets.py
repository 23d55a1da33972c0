"""The two ROUTER sockets: where they listen, who is let in."""

from __future__ import annotations

import hmac
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from backend.errors import EditGanError
from protocol import PROTOCOL_VERSION, framing
from protocol.connection_file import ConnectionInfo, CurveKeys

_LONGEST_IPC = 100  # bytes; the kernel's limit is 108 on Linux, 104 on macOS
_DOMAIN = "editgan"  # of ZAP, ZeroMQ's authentication
_QUEUE = 256  # messages kept for a client that does not read


class NoEncryption(EditGanError):
    code = "no_encryption"


@dataclass
class Listening:
    """Open sockets and what clients need to know to reach them. `close` before the context ends."""

    context: zmq.Context[zmq.Socket[bytes]]
    jobs: zmq.Socket[bytes]
    control: zmq.Socket[bytes]
    info: ConnectionInfo
    _cleanup: list[object] = field(default_factory=list)

    def close(self, linger_ms: int = 500) -> None:
        """Close; answers already given have `linger_ms` to leave."""
        for socket in (self.jobs, self.control):
            socket.close(linger=linger_ms)
        for item in self._cleanup:
            if isinstance(item, Path):
                shutil.rmtree(item, ignore_errors=True)
            else:
                item.stop()  # type: ignore[attr-defined]
        self.context.term()


def listen(run_dir: Path, version: str, tcp: str | None = None) -> Listening:
    """Open both sockets: ipc in `run_dir`, or TCP with CURVE where ipc is missing or `tcp` is
    given.

    tcp: "HOST" or "HOST:PORT" (the control socket takes the next port); without a port the system
    chooses. Raises NoEncryption where TCP is wanted and ZeroMQ has no CURVE.
    """
    if tcp is None and sys.platform == "win32":
        tcp = "127.0.0.1"
    return _listen_ipc(run_dir, version) if tcp is None else _listen_tcp(tcp, version)


def _listen_ipc(run_dir: Path, version: str) -> Listening:
    cleanup: list[object] = []
    folder, relative = run_dir, True
    if len(os.fsencode(run_dir / "control.sock")) > _LONGEST_IPC:
        folder, relative = Path(tempfile.mkdtemp(prefix="editgan-")), False  # 0700 as well
        cleanup.append(folder)
    context = zmq.Context()
    jobs, control = _router(context, framing.MAX_FRAME), _router(context, framing.MAX_CONTROL_FRAME)
    endpoints = []
    for socket, name in ((jobs, "jobs.sock"), (control, "control.sock")):
        (folder / name).unlink(missing_ok=True)  # ours alone: we hold the lock
        socket.bind(f"ipc://{folder / name}")
        endpoints.append(f"ipc://{name if relative else folder / name}")
    info = ConnectionInfo(endpoints[0], endpoints[1], version, PROTOCOL_VERSION)
    return Listening(context, jobs, control, info, cleanup)


class _AllowList:
    """Lets in the clients whose public key (Z85) is listed."""

    def __init__(self, *keys: bytes) -> None:
        self._keys = keys

    def callback(self, domain: str, key: bytes) -> bool:
        return any(hmac.compare_digest(key, known) for known in self._keys)


def _listen_tcp(tcp: str, version: str) -> Listening:
    if not zmq.has("curve"):
        raise NoEncryption(
            "This ZeroMQ has no CURVE encryption, and TCP without it is refused; "
            "install pyzmq from PyPI."
        )
    from zmq.auth.thread import ThreadAuthenticator  # brings asyncio: only where it is needed

    host, _, port = tcp.rpartition(":") if ":" in tcp else (tcp, "", "")
    context = zmq.Context()
    server_public, server_secret = zmq.curve_keypair()
    client_public, client_secret = zmq.curve_keypair()
    guard = ThreadAuthenticator(context)
    guard.start()  # before any socket listens
    guard.configure_curve_callback(_DOMAIN, _AllowList(client_public))
    jobs, control = _router(context, framing.MAX_FRAME), _router(context, framing.MAX_CONTROL_FRAME)
    endpoints = []
    for offset, socket in enumerate((jobs, control)):
        socket.zap_domain = _DOMAIN.encode()  # refuse everybody should the guard be gone
        socket.curve_server = True
        socket.curve_secretkey = server_secret
        socket.bind(f"tcp://{host or '127.0.0.1'}:{int(port) + offset if port else '*'}")
        endpoints.append(socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0"))
    keys = CurveKeys(*(key.decode() for key in (server_public, client_public, client_secret)))
    info = ConnectionInfo(endpoints[0], endpoints[1], version, PROTOCOL_VERSION, keys)
    return Listening(context, jobs, control, info, [guard])


def _router(context: zmq.Context[zmq.Socket[bytes]], largest: int) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.ROUTER)
    socket.router_mandatory = True  # sending to a client that is gone must fail, not vanish
    socket.maxmsgsize = largest
    socket.rcvhwm = 16  # per client: messages can be large
    socket.sndhwm = _QUEUE
    # a process that dies closes its connection at once; this is for machines that vanish
    socket.heartbeat_ivl, socket.heartbeat_timeout = 5000, 30000
    return socket
