"""Backends and clients that are killed, starts that race, and a long day of work: all counted."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from backend_harness import CHECKOUT, COMMAND, Backend, repaint, segment, wait_until
from edit_library import Library
from protocol import connection_file, paths
from protocol import messages as m
from protocol.client import Connection
from protocol.errors import BackendError

VECTOR = np.linspace(-1, 1, 32, dtype=np.float32).reshape(4, 8)
SHA = "5" * 64


@dataclass
class Kept:
    """What the backend has acknowledged: names of edits that must be there, and those in doubt."""

    sure: set[str] = field(default_factory=set)
    acknowledged: int = 0


def kill_backends(rounds: int, seed: int) -> dict[str, int]:
    """SIGKILL at a random moment of library work and repaints; then look at what is there."""
    chance, kept, broken, late = random.Random(seed), Kept(), 0, 0
    library = Library(paths.library_dir())
    library.save("small", "seed", VECTOR, generator_sha=SHA, parts=["hair"])
    _, archive = library.export_data("small", "seed")
    kept.sure.add("seed")
    for number in range(rounds):
        backend = Backend(COMMAND)
        with backend.connect() as connection:
            work = threading.Thread(target=_work, args=(connection, kept, archive, number, chance))
            work.start()
            time.sleep(chance.uniform(0.0, 0.6))
            backend.kill()
            work.join(60)
            late += work.is_alive()
        names = {info.name for info in library.list("small") if info.source == "user"}
        assert kept.sure <= names, f"round {number}: lost {kept.sure - names}"
        broken += len(library.broken())
    for name in kept.sure:
        assert np.array_equal(library.get("small", name).vector, VECTOR), f"{name} changed"
    return {
        "kills": rounds, "acknowledged": kept.acknowledged, "lost": 0, "broken": broken,
        "clients that hung": late,
    }  # fmt: skip


def _work(
    connection: Connection, kept: Kept, archive: bytes, number: int, chance: random.Random
) -> None:
    """Imports, renames and repaints until the backend is gone."""
    with contextlib.suppress(BackendError):
        connection.request(segment())
        for step in range(1000):
            added = connection.request(m.ImportEdit("seed.editgan", archive))
            assert isinstance(added, m.Imported)
            kept.sure.add(added.name)
            kept.acknowledged += 1
            if chance.random() < 0.4:
                kept.sure.discard(added.name)  # in doubt until the answer: one of the two
                renamed = connection.request(
                    m.RenameEdit("small", added.name, f"Renamed {number} {step}")
                )
                assert isinstance(renamed, m.Saved)
                kept.sure.add(renamed.name)
                kept.acknowledged += 1
            connection.request(repaint("slow", 3))


def race_starts(rounds: int, seed: int) -> dict[str, int]:
    """Several backends at once, some after a kill: exactly one lives, the others end well."""
    chance, starts = random.Random(seed), 0
    alive: Backend | None = None
    try:
        for _ in range(rounds):
            if alive and chance.random() < 0.5:
                alive.kill()
                alive = None
            new = [Backend(COMMAND) for _ in range(chance.randint(2, 4))]
            starts += len(new)
            everyone = [*new, *([alive] if alive else [])]
            wait_until(lambda e=everyone: sum(_lives(b) for b in e) == 1, "one is left")
            alive = next(backend for backend in everyone if _lives(backend))
            codes = [one.process.returncode for one in everyone if one is not alive]
            assert set(codes) <= {0}, codes
            alive.connect().close()
    finally:
        if alive:
            alive.kill()
    return {"rounds": rounds, "starts": starts, "second backends": 0}


def _lives(backend: Backend) -> bool:
    return backend.process.poll() is None


def kill_clients(rounds: int) -> dict[str, int]:
    """A client dies in the middle of its job: the device is free for the next one."""
    program = Path(__file__).resolve().parents[1] / "server" / "client_that_dies.py"
    backend = Backend(COMMAND)
    try:
        with backend.connect() as connection:
            connection.request(segment())
            for _ in range(rounds):
                client = subprocess.Popen([sys.executable, str(program)], cwd=CHECKOUT,
                                          stdout=subprocess.PIPE)  # fmt: skip
                with client:
                    assert client.stdout and client.stdout.readline()
                    client.send_signal(signal.SIGKILL)
                wait_until(lambda: connection.status().running is None, "the device is free")
    finally:
        backend.kill()
    return {"kills": rounds, "stuck": 0}


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
        vector = m.Pixels(8, 4, 1, "f32", VECTOR.tobytes())
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


def nothing_blocks() -> bool:
    """Whether the lock of a backend that was killed is free."""
    return not connection_file.is_held(paths.run_dir() / connection_file.LOCK_NAME)
