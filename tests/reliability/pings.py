"""How long a ping waits while the backend chews the worst messages that the limits allow."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import msgpack
import numpy as np
import zmq

from backend_harness import COMMAND, Backend
from protocol import connection_file, framing, paths
from protocol import messages as m

ROOM = framing.MAX_REQUEST - 100


def worst_messages() -> dict[str, list[bytes]]:
    """Frames by name: as many values as fit into a header, and as many as are let in."""

    def header(kind: str, fields: object) -> bytes:
        return msgpack.packb({"type": kind, "job": "worst", "fields": fields})

    rows = ROOM // 4100
    shapes = {
        "nils": [[None] * 4096] * rows,
        "empty lists": [[[]] * 4096] * rows,
        "empty maps": [[{}] * 4096] * rows,
        "nested": [[[[[[]]]]] * 819] * rows,
        "texts": [["a"] * 2048] * rows,
        "maps": [{f"{i:04}": i % 100 for i in range(680)}] * rows,
        "numbers": [[1.5] * 455] * rows,
    }
    made = {name: [header("ListEdits", value)] for name, value in shapes.items()}
    latent = m.Pixels(4096, 64, 1, "f32", np.ones(4096 * 64, "<f4").tobytes())
    edits = [m.EditRef(vector=latent) for _ in range(64)]
    made["latents"] = list(map(bytes, framing.pack("worst", m.Apply("p", edits))))
    refs = [m.EditRef("a" * 30, parts=("hair",) * 90) for _ in range(500)]
    made["values"] = list(map(bytes, framing.pack("worst", m.Apply("p", refs))))
    made["bytes"] = list(map(bytes, framing.pack("worst", m.ImportEdit("a", bytes(1 << 20)))))
    return made


def ping(
    seconds: float, command: list[str] | None = None
) -> Iterator[tuple[str, dict[str, float]]]:
    """Milliseconds by shape of message: median, 99th percentile and worst of pings."""
    backend = Backend(command or COMMAND)
    try:
        for name, frames in {"nothing": [], **worst_messages()}.items():
            yield name, _percentiles(list(_waits(backend, frames, seconds)))
    finally:
        backend.kill()


def _percentiles(waits: list[float]) -> dict[str, float]:
    return {
        "pings": len(waits), "p50": round(float(np.median(waits)), 1),
        "p99": round(float(np.percentile(waits, 99)), 1), "worst": round(max(waits), 1),
    }  # fmt: skip


def _waits(backend: Backend, frames: list[bytes], seconds: float) -> Iterator[float]:
    """Waits of pings, in milliseconds, while another client sends `frames` without a pause."""
    ended = threading.Event()
    with backend.connect() as connection:
        flood = threading.Thread(target=_flood, args=(frames, ended))
        if frames:
            flood.start()
            time.sleep(0.2)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            begun = time.perf_counter()
            connection.ping()
            yield 1000 * (time.perf_counter() - begun)
            time.sleep(0.01)
        ended.set()
        if frames:
            flood.join()


def _flood(frames: list[bytes], ended: threading.Event) -> None:
    """Sends a message as soon as the one before it is answered."""
    info = connection_file.read(paths.connection_file())
    context = zmq.Context()
    raw = context.socket(zmq.DEALER)
    raw.linger = 0
    raw.connect(info.jobs)
    raw.send_multipart(list(map(bytes, framing.pack("hello", m.Hello("flood")))))
    while not ended.is_set():
        raw.send_multipart(frames)
        while not ended.is_set() and not raw.poll(100):
            pass
        if not ended.is_set():
            raw.recv_multipart()
    context.destroy(linger=0)
