"""Starts that race, strangers at the door, and a long day of work: all counted."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
from pathlib import Path

import zmq

from backend_harness import COMMAND, Backend, repaint, segment, wait_until
from protocol import connection_file, framing, paths
from protocol import messages as m
from protocol.client import Connection
from protocol.connection_file import CurveKeys
from tests.reliability.tally import Tally
from tests.reliability.targets import mutated, targets

_SILENCE_MS = 300
_MESSAGES = 100  # of one client
_PATIENCE_MS = 60_000
_GREETING = 64  # bytes of ZMTP's greeting, which says nothing about who is there


def race_starts(rounds: int, seed: int, tally: Tally | None = None) -> dict[str, float]:
    """Several backends at once, some after a kill: exactly one lives, the others end well."""
    chance, tally, name = random.Random(seed), tally or Tally(), "racing starts"
    alive: Backend | None = None
    try:
        for _ in tally.rounds(name, rounds):
            if alive and chance.random() < 0.5:
                alive.kill()
                alive = None
            new = [Backend(COMMAND) for _ in range(chance.randint(2, 4))]
            tally.add(name, starts=len(new))
            everyone = [*new, *([alive] if alive else [])]
            wait_until(lambda e=everyone: sum(_lives(b) for b in e) == 1, "one is left")
            alive = next(backend for backend in everyone if _lives(backend))
            codes = [one.process.returncode for one in everyone if one is not alive]
            assert set(codes) <= {0}, codes
            alive.connect().close()
            tally.add(name, **{"second backends": 0})
    finally:
        if alive:
            alive.kill()
    return tally.of(name)


def _lives(backend: Backend) -> bool:
    return backend.process.poll() is None


def soak(previews: int, edits: int, photos: int, clients: int) -> dict[str, float]:
    """A long day: memory, descriptors and threads after a warm-up and in the end."""
    backend = Backend(COMMAND)
    try:
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(backend.connect()) for _ in range(clients)]
            _day(connections, previews // 10, edits // 10, photos // 10)
            before = _state(backend, connections[0])
            _day(connections, previews, edits, photos)
            after = _state(backend, connections[0])
    finally:
        backend.kill()
    growth = 100 * (after[0] / before[0] - 1)
    return {
        "previews": previews, "edits": edits, "photos": photos, "clients": clients,
        "memory grew by %": round(growth, 2), "descriptors more": after[1] - before[1],
        "threads more": after[2] - before[2],
    }  # fmt: skip


def _day(connections: list[Connection], previews: int, edits: int, photos: int) -> None:
    def work(number: int, connection: Connection) -> None:
        share = len(connections)
        vector = m.Pixels(8, 4, 1, "f32", bytes(128))
        connection.request(segment(f"own{number}"))
        for photo in range(photos // share):
            connection.request(segment(f"p{number}-{photo % 10}", 1 + photo % 200))
        for _ in range(edits // share):
            connection.request(repaint("hair", photo=f"own{number}"))
        for step in range(previews // share):
            edit = m.EditRef(vector=vector, parts=("hair",), scale=step % 90)
            connection.request(m.PreviewStack(f"own{number}", [edit], 64))

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _state(backend: Backend, connection: Connection) -> tuple[float, int, int]:
    """Memory in MB, open descriptors, threads."""
    process = Path("/proc") / str(backend.process.pid)
    return (
        connection.status().memory_mb,
        len(os.listdir(process / "fd")),
        len(os.listdir(process / "task")),
    )


def strangers(rounds: int, tally: Tally | None = None) -> dict[str, float]:
    """Greetings over TCP with no keys, with keys of their own, and in plain bytes: silence."""
    tally, name = tally or Tally(), "strangers"
    backend = Backend([*COMMAND, "--tcp", "127.0.0.1"])
    try:
        with backend.connect() as connection:
            info = connection_file.read(paths.connection_file())
            assert info.curve
            for number in tally.rounds(name, rounds):
                public, secret = (key.decode() for key in zmq.curve_keypair())
                own = CurveKeys(info.curve.server, public, secret)
                end = (info.jobs, info.control)[number % 2]
                kinds = _hears_bytes(end), _hears(end, None), _hears(end, own)
                heard = any(kinds)
                assert not heard, f"{end} answers a stranger"
                tally.add(name, attempts=len(kinds), **{"let in": heard})
            connection.ping()
    finally:
        backend.kill()
    return tally.of(name)


def _hears(endpoint: str, keys: CurveKeys | None) -> bool:
    """Whether a greeting with these keys is answered."""
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    if keys:
        dealer.curve_serverkey = keys.server.encode()
        dealer.curve_publickey, dealer.curve_secretkey = keys.public.encode(), keys.secret.encode()
    dealer.connect(endpoint)
    dealer.send_multipart([bytes(frame) for frame in framing.pack("j", m.Hello("stranger"))])
    try:
        return bool(dealer.poll(_SILENCE_MS))
    finally:
        context.destroy(linger=0)


def _hears_bytes(endpoint: str) -> bool:
    """Whether anything but ZMTP's own greeting comes back to somebody who knows no keys."""
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    with socket.create_connection((host, int(port)), 10) as stream:
        stream.settimeout(_SILENCE_MS / 1000)
        stream.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\0" + bytes(31))
        heard = b""
        with contextlib.suppress(OSError):
            while part := stream.recv(4096):
                heard += part
    return len(heard) > _GREETING


def hostile_messages(rounds: int, seed: int, tally: Tally | None = None) -> dict[str, float]:
    """Mutations of requests at both sockets of a backend that works on: each is answered, as is a
    ping after every hundred.
    """
    chance, tally, name = random.Random(seed), tally or Tally(), "hostile messages"
    seeds, backend = targets()["messages"].seeds, Backend(COMMAND)
    context = zmq.Context()
    try:
        with backend.connect() as connection:
            info = connection_file.read(paths.connection_file())
            for number in tally.rounds(name, rounds, _MESSAGES):
                raw = context.socket(zmq.DEALER)
                raw.linger, raw.rcvtimeo = 0, _PATIENCE_MS
                raw.connect((info.jobs, info.control)[number // _MESSAGES % 2])
                for _ in range(_MESSAGES):
                    header, *frames = _hostile(seeds, chance).split(b"\0FRAME\0")
                    raw.send_multipart([header[: framing.MAX_CONTROL_FRAME // 2], *frames[:20]])
                answered = 0
                while answered < _MESSAGES:
                    reply = framing.unpack(raw.recv_multipart())[1]
                    answered += not isinstance(reply, m.Event)
                raw.close()
                connection.ping()
                tally.add(name, answered=_MESSAGES, crashes=backend.process.poll() is not None)
    finally:
        context.destroy(linger=0)
        backend.kill()
    return tally.of(name)


def _hostile(seeds: tuple[bytes, ...], chance: random.Random) -> bytes:
    """A mutation that does not end the backend as it should."""
    while True:
        if b"Shutdown" not in (data := mutated(chance.choice(seeds), chance)):
            return data


def nothing_blocks() -> bool:
    """Whether the lock of a backend that was killed is free."""
    return not connection_file.is_held(paths.run_dir() / connection_file.LOCK_NAME)
