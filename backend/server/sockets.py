"""The two ROUTER sockets: where they listen, who is let in."""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import os
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import zmq

from backend.errors import EditGanError
from protocol import PROTOCOL_VERSION, framing
from protocol.connection_file import ConnectionInfo, CurveKeys

_LONGEST_IPC = 100  # bytes; the kernel's limit is 108 on Linux, 104 on macOS
_DOMAIN = "editgan"  # of ZAP, ZeroMQ's authentication
_LINGER_MS = 500
_QUEUE = 256  # messages kept for a client that does not read

Context = zmq.Context[zmq.Socket[bytes]]
Router = zmq.Socket[bytes]


class NoEncryption(EditGanError):
    code = "no_encryption"


class CannotListen(EditGanError):
    code = "cannot_listen"


@dataclass(frozen=True)
class Listening:
    """Open sockets and what clients need to know to reach them.

    info: for this machine. remote: for others, where the address is not a local one.
    """

    jobs: zmq.Socket[bytes]
    control: zmq.Socket[bytes]
    info: ConnectionInfo
    remote: ConnectionInfo | None
    stack: contextlib.ExitStack

    def close(self) -> None:
        """Close everything; answers already given have a moment to leave."""
        self.stack.close()


def listen(run_dir: Path, version: str, tcp: str | None = None) -> Listening:
    """Open both sockets: ipc in `run_dir`; TCP with CURVE where `tcp` is given or ipc missing.

    tcp: "HOST" or "HOST:PORT" (the control socket takes the next port); without a port the system
    chooses. Raises NoEncryption where TCP is wanted and ZeroMQ has no CURVE, CannotListen for an
    address that is not ours or in use.
    """
    if tcp is None and sys.platform == "win32":
        tcp = "127.0.0.1"
    with contextlib.ExitStack() as stack:
        context = zmq.Context()
        stack.callback(context.term)
        if tcp is None:
            listening = _listen_ipc(context, stack, run_dir, version)
        else:
            listening = _listen_tcp(context, stack, tcp, version)
        return dataclasses.replace(listening, stack=stack.pop_all())


def _listen_ipc(
    context: Context, stack: contextlib.ExitStack, run_dir: Path, version: str
) -> Listening:
    folder, relative = run_dir, True
    if len(os.fsencode(run_dir / "control.sock")) > _LONGEST_IPC:
        folder, relative = Path(tempfile.mkdtemp(prefix="editgan-")), False  # 0700 as well
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
    jobs, control = _routers(context, stack)
    endpoints = []
    for router, name in ((jobs, "jobs.sock"), (control, "control.sock")):
        (folder / name).unlink(missing_ok=True)  # ours alone: we hold the lock
        router.bind(f"ipc://{folder / name}")
        endpoints.append(f"ipc://{name if relative else folder / name}")
    info = ConnectionInfo(endpoints[0], endpoints[1], version, PROTOCOL_VERSION)
    return Listening(jobs, control, info, None, stack)


class _AllowList:
    """Lets in the clients whose public key (Z85) is listed."""

    def __init__(self, *keys: bytes) -> None:
        self._keys = keys

    def callback(self, domain: str, key: bytes) -> bool:
        return any(hmac.compare_digest(key, known) for known in self._keys)


def _listen_tcp(context: Context, stack: contextlib.ExitStack, tcp: str, version: str) -> Listening:
    if not zmq.has("curve"):
        raise NoEncryption(
            "This ZeroMQ has no CURVE encryption, and TCP without it is refused; "
            "install pyzmq from PyPI."
        )
    from zmq.auth.thread import ThreadAuthenticator  # brings asyncio: only where it is needed

    server_public, server_secret = zmq.curve_keypair()
    client_public, client_secret = zmq.curve_keypair()
    guard = ThreadAuthenticator(context)
    guard.start()  # before any socket listens
    stack.callback(guard.stop)
    guard.configure_curve_callback(_DOMAIN, _AllowList(client_public))
    jobs, control = _routers(context, stack)
    for router in (jobs, control):
        router.zap_domain = _DOMAIN.encode()  # refuse everybody should the guard be gone
        router.curve_server = True
        router.curve_secretkey = server_secret
    host, ports = _bind(jobs, control, tcp)
    keys = CurveKeys(*(key.decode() for key in (server_public, client_public, client_secret)))
    everywhere = host in ("*", "0.0.0.0")  # noqa: S104 (asked for by the user)
    near = [f"tcp://{'127.0.0.1' if everywhere else host}:{port}" for port in ports]
    far = [f"tcp://{socket.gethostname() if everywhere else host}:{port}" for port in ports]
    info = ConnectionInfo(near[0], near[1], version, PROTOCOL_VERSION, keys)
    remote = dataclasses.replace(info, jobs=far[0], control=far[1], lock=None)
    return Listening(jobs, control, info, None if host.startswith("127.") else remote, stack)


def _bind(jobs: Router, control: Router, tcp: str) -> tuple[str, list[int]]:
    """Bind both; returns the host and the two ports."""
    host, _, port = tcp.rpartition(":") if ":" in tcp else (tcp, "", "")
    try:
        for offset, router in enumerate((jobs, control)):
            router.bind(f"tcp://{host}:{int(port) + offset if port else '*'}")
    except (zmq.ZMQError, ValueError) as error:
        raise CannotListen(
            f"The backend cannot listen at {tcp} ({error}); give --tcp another HOST or HOST:PORT."
        ) from error
    ends = [router.getsockopt_string(zmq.LAST_ENDPOINT) for router in (jobs, control)]
    return host, [int(end.rstrip("\0").rpartition(":")[2]) for end in ends]


def _routers(context: Context, stack: contextlib.ExitStack) -> tuple[Router, Router]:
    """The jobs and the control socket, not bound yet; `stack` closes them."""
    pair = []
    for largest in (framing.MAX_FRAME, framing.MAX_CONTROL_FRAME):
        router = context.socket(zmq.ROUTER)
        stack.callback(router.close, linger=_LINGER_MS)
        router.router_mandatory = True  # sending to a client that is gone must fail, not vanish
        router.maxmsgsize = largest
        router.rcvhwm = 16  # per client: messages can be large
        router.sndhwm = _QUEUE
        # a process that dies closes its connection at once; this is for machines that vanish
        router.heartbeat_ivl, router.heartbeat_timeout = 5000, 30000
        pair.append(router)
    return pair[0], pair[1]
