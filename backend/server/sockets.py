"""The two ROUTER sockets: where they listen, who is let in."""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import zmq

from protocol import PROTOCOL_VERSION, framing
from protocol.connection_file import ConnectionInfo, CurveKeys
from protocol.errors import UserError
from protocol.keepalive import notice_vanished_machines
from protocol.keys import KeyPair
from protocol.keys import own as own_keys
from protocol.typed import ProtocolError

_LONGEST_IPC = 100  # bytes; the kernel's limit is 108 on Linux, 104 on macOS
_DOMAIN = "editgan"  # of ZAP, ZeroMQ's authentication
_LINGER_MS = 500
_QUEUE = 256  # messages kept for a client that does not read

# what a client of this machine calls an address that stands for all of them
_LOCAL = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104

Context = zmq.Context[zmq.Socket[bytes]]
Router = zmq.Socket[bytes]


class NoEncryption(UserError):
    code = "no_encryption"


class CannotListen(UserError):
    code = "cannot_listen"


@dataclass(frozen=True)
class Listening:
    """Open sockets and what clients of this machine need to know to reach them."""

    jobs: zmq.Socket[bytes]
    control: zmq.Socket[bytes]
    info: ConnectionInfo
    stack: contextlib.ExitStack

    def close(self) -> None:
        """Close everything; answers already given have a moment to leave."""
        self.stack.close()


def listen(
    run_dir: Path, version: str, tcp: str | None = None, allowed: Sequence[str] = ()
) -> Listening:
    """Open both sockets: ipc in `run_dir`; TCP with CURVE where `tcp` is given or ipc missing.

    tcp: "HOST" or "HOST:PORT" (the control socket takes the next port); without a port the system
    chooses. allowed: public keys (Z85) of clients on other machines; those of this machine get a
    key by the connection file. Raises NoEncryption where TCP is wanted and ZeroMQ has no CURVE,
    CannotListen for an address that is not ours or in use.
    """
    if tcp is None and sys.platform == "win32":
        tcp = "127.0.0.1"
    with contextlib.ExitStack() as stack:
        context = zmq.Context()
        stack.callback(context.term)
        if tcp is None:
            listening = _listen_ipc(context, stack, run_dir, version)
        else:
            listening = _listen_tcp(context, stack, tcp, version, allowed)
        return dataclasses.replace(listening, stack=stack.pop_all())


def _listen_ipc(
    context: Context, stack: contextlib.ExitStack, run_dir: Path, version: str
) -> Listening:
    folder, relative = run_dir, True
    if not _can_be_called(run_dir / "control.sock"):
        folder, relative = Path(tempfile.mkdtemp(prefix="editgan-")), False  # 0700 as well
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
    jobs, control = _routers(context, stack)
    endpoints = []
    for router, name in ((jobs, "jobs.sock"), (control, "control.sock")):
        (folder / name).unlink(missing_ok=True)  # ours alone: we hold the lock
        router.bind(f"ipc://{folder / name}")
        endpoints.append(f"ipc://{name if relative else folder / name}")
    info = ConnectionInfo(endpoints[0], endpoints[1], version, PROTOCOL_VERSION)
    return Listening(jobs, control, info, stack)


def _can_be_called(socket: Path) -> bool:
    """Whether its path is short enough for the kernel, and UTF-8, as ZeroMQ wants it."""
    try:
        return len(str(socket).encode("utf-8")) <= _LONGEST_IPC
    except UnicodeEncodeError:
        return False


class _AllowList:
    """Lets in the clients whose public key (Z85) is listed."""

    def __init__(self, *keys: bytes) -> None:
        self._keys = keys

    def callback(self, domain: str, key: bytes) -> bool:
        return any(hmac.compare_digest(key, known) for known in self._keys)


def _listen_tcp(
    context: Context, stack: contextlib.ExitStack, tcp: str, version: str, allowed: Sequence[str]
) -> Listening:
    if not zmq.has("curve"):
        raise NoEncryption(
            "This ZeroMQ has no CURVE encryption, and TCP without it is refused; "
            "install pyzmq from PyPI."
        )
    from zmq.auth.thread import ThreadAuthenticator  # brings asyncio: only where it is needed

    server = _server_keys()
    client_public, client_secret = zmq.curve_keypair()
    guard = ThreadAuthenticator(context)
    guard.start()  # before any socket listens
    stack.callback(guard.stop)
    guard.configure_curve_callback(
        _DOMAIN, _AllowList(client_public, *(key.encode() for key in allowed))
    )
    jobs, control = _routers(context, stack)
    for router in (jobs, control):
        router.zap_domain = _DOMAIN.encode()  # refuse everybody should the guard be gone
        router.curve_server = True
        router.curve_secretkey = server.secret.encode()
    host, ports = _bind(jobs, control, tcp)
    keys = CurveKeys(server.public, client_public.decode(), client_secret.decode())
    near = _LOCAL.get(host, host)
    ends = [f"tcp://{near}:{port}" for port in ports]
    info = ConnectionInfo(ends[0], ends[1], version, PROTOCOL_VERSION, keys)
    return Listening(jobs, control, info, stack)


def _server_keys() -> KeyPair:
    """The same at every start: other machines keep the public one."""
    try:
        return own_keys("server")
    except (OSError, ProtocolError) as error:
        raise CannotListen(f"The backend's key cannot be read ({error}).") from error


def _bind(jobs: Router, control: Router, tcp: str) -> tuple[str, list[int]]:
    """Bind both; returns the host and the two ports."""
    host, _, port = tcp.rpartition(":") if ":" in tcp else (tcp, "", "")
    try:
        for offset, router in enumerate((jobs, control)):
            router.ipv6 = host.startswith("[")
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
        notice_vanished_machines(router)
        pair.append(router)
    return pair[0], pair[1]
