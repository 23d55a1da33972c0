"""SIGKILL while something is being done: in each round one kind of work, at a random moment of it.

Nothing that was acknowledged is lost, nothing is half there, and the next start works.
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from backend_harness import CHECKOUT, COMMAND, Backend, repaint, segment, wait_until
from edit_library import Library
from edit_library.errors import EditLibraryError
from protocol import messages as m
from protocol import paths, settings
from protocol.client import Connection
from protocol.errors import BackendError
from tests.reliability.tally import Tally

NAME = "kill backends"
VECTOR = np.linspace(-1, 1, 32, dtype=np.float32).reshape(4, 8)
PIXELS = m.Pixels(8, 4, 1, "f32", VECTOR.tobytes())
SHA = "5" * 64
LONGEST_S = 1.5  # of a moment that is waited for


@dataclass
class Work:
    """What clients did in all rounds: edits that must be there, and either of two in doubt."""

    chance: random.Random
    archive: bytes
    sure: set[str] = field(default_factory=set)
    doubt: list[set[str]] = field(default_factory=list)  # of each set at least one is there
    gone: set[str] = field(default_factory=set)
    acknowledged: int = 0
    begun: threading.Event = field(default_factory=threading.Event)
    waiting: bool = False  # for an answer
    longest: dict[str, float] = field(default_factory=dict)

    def ask(self, connection: Connection, moment: str, request: m.JobRequest) -> m.Message:
        """A request of the kind that this round is about."""
        began = time.monotonic()
        self.waiting = True
        self.begun.set()
        reply = connection.request(request)
        self.waiting = False
        self.acknowledged += 1
        self.longest[moment] = max(self.longest.get(moment, 0.0), time.monotonic() - began)
        return reply


def _embed(work: Work, connection: Connection, number: int) -> None:
    pixels = m.Pixels(60, 58, 3, "u8", work.chance.randbytes(60 * 58 * 2) + bytes([255]) * 60 * 58)
    work.ask(connection, "embed", segment(f"p{number}", pixels=pixels, level="faithful"))


def _repaint(work: Work, connection: Connection, number: int) -> None:
    work.ask(connection, "repaint", repaint("slow", 30))


def _save(work: Work, connection: Connection, number: int) -> None:
    name = f"saved-{work.chance.randrange(10**12)}"
    request = m.SaveEdit("p1", name, "A test", ("hair",), PIXELS)
    reply = work.ask(connection, "save", request)
    assert isinstance(reply, m.Saved)
    work.sure.add(reply.name)


def _import(work: Work, connection: Connection, number: int) -> None:
    reply = work.ask(connection, "import", m.ImportEdit("seed.editgan", work.archive))
    assert isinstance(reply, m.Imported)
    work.sure.add(reply.name)
    work.gone.discard(reply.name)  # which was free again


def _rename(work: Work, connection: Connection, number: int) -> None:
    old = work.chance.choice(sorted(work.sure - {"seed"}) or ["seed"])
    if old == "seed":
        return _import(work, connection, number)
    new = f"renamed-{work.chance.randrange(10**12)}"
    work.sure.discard(old)
    work.doubt.append({old, new})
    reply = work.ask(connection, "rename", m.RenameEdit("small", old, new))
    assert isinstance(reply, m.Saved)
    work.doubt.pop()
    work.sure.add(reply.name)
    work.gone.add(old)


def _delete(work: Work, connection: Connection, number: int) -> None:
    name = work.chance.choice(sorted(work.sure - {"seed"}) or ["seed"])
    if name == "seed":
        return _import(work, connection, number)
    work.sure.discard(name)
    work.ask(connection, "delete", m.DeleteEdit("small", name))
    work.gone.add(name)


MOMENTS: dict[str, Callable[[Work, Connection, int], None]] = {
    "embed": _embed, "repaint": _repaint, "save": _save, "import": _import, "rename": _rename,
    "delete": _delete,
}  # fmt: skip
PROGRAMS = {
    "settings": "from protocol import settings as s\n"
    "for n in range(1, 9999): s.save(s.Settings(idle_minutes=n)); print(n, flush=True)",
    "training": "import sys, torch; from pathlib import Path\n"
    "from backend.training.state import save_state\n"
    "for n in range(1, 9999):\n"
    "    save_state(Path(sys.argv[1]), {'seen': n, 'weights': torch.full((1 << 18,), float(n))})\n"
    "    print(n, flush=True)",
}


def kill_backends(rounds: int, seed: int, tally: Tally | None = None) -> dict[str, float]:
    """The counts: kills, those that hit work without an answer, by moment; what was lost: 0."""
    tally = tally or Tally()
    library = Library(paths.library_dir())
    library.save("small", "seed", VECTOR, generator_sha=SHA, parts=["hair"])
    _, archive = library.export_data("small", "seed")
    work = Work(random.Random(seed), archive, {"seed"})
    kinds = [*MOMENTS, *PROGRAMS, "start"]
    for number in tally.rounds(NAME, rounds):
        kind, before = kinds[number % len(kinds)], work.acknowledged
        if kind in PROGRAMS:
            hit, late = _kill_program(kind, work), False
        elif kind == "start":
            hit, late = _kill_a_start(work), False
        else:
            hit, late = _kill_a_backend(kind, work, number)
        _check(library, work)
        tally.add(
            NAME, hits=hit, hung=late, acknowledged=work.acknowledged - before,
            broken=len(library.broken()), lost=0, **{f"in {kind}": hit},
        )  # fmt: skip
    return tally.of(NAME)


def _kill_a_backend(kind: str, work: Work, number: int) -> tuple[bool, bool]:
    """Whether a request was without an answer at the kill, and whether its client then hung."""
    backend = Backend(COMMAND)
    with backend.connect() as connection:
        connection.request(segment())
        client = threading.Thread(target=_work, args=(kind, work, connection, number))
        for _ in range(work.chance.randint(1, 2)):  # the first in a process is a special one
            work.begun.clear()
            if not client.is_alive():
                client.start()
            work.begun.wait(60)
        longest = min(work.longest.get(kind, 0.05), LONGEST_S)
        time.sleep(work.chance.uniform(0, longest))
        hit = work.waiting
        backend.kill()
        client.join(60)
        return hit, client.is_alive()


def _work(kind: str, work: Work, connection: Connection, number: int) -> None:
    with contextlib.suppress(BackendError):
        while True:
            MOMENTS[kind](work, connection, number)


def _kill_a_start(work: Work) -> bool:
    """A start is hit before the backend answers; the next one works."""
    paths.connection_file().unlink(missing_ok=True)  # so that this start can be seen
    backend = Backend(COMMAND)
    time.sleep(work.chance.uniform(0, min(work.longest.get("start", 0.5), LONGEST_S)))
    hit = not paths.connection_file().exists()
    backend.kill()
    began = time.monotonic()
    backend = Backend(COMMAND)
    try:
        backend.connect().close()
    finally:
        backend.kill()
    work.longest["start"] = max(work.longest.get("start", 0.0), time.monotonic() - began)
    return hit


def _kill_program(kind: str, work: Work) -> bool:
    """A program that writes one file again and again; then what it said last is in the file."""
    state = paths.data_dir() / "state.pt"
    words = [sys.executable, "-c", PROGRAMS[kind], str(state)]
    with subprocess.Popen(words, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout and program.stdout.readline()
        time.sleep(work.chance.uniform(0, 0.3))
        program.send_signal(signal.SIGKILL)
        said = [1, *map(int, program.stdout.read().split())][-1]
    work.acknowledged += said
    if kind == "settings":
        found: float = settings.load().idle_minutes
    else:
        from backend.training.state import load_state

        loaded = load_state(state)
        assert loaded is not None and (loaded["weights"] == loaded["seen"]).all()
        found = loaded["seen"]
    assert said <= found <= said + 1, f"{kind}: {said} was acknowledged, the file has {found}"
    return True


def _check(library: Library, work: Work) -> None:
    names = {info.name for info in library.list("small") if info.source == "user"}
    assert work.sure <= names, f"lost {work.sure - names}"
    assert not work.gone & names, f"came back: {work.gone & names}"
    for pair in work.doubt:
        assert pair & names, f"neither of {pair} is there"
        work.sure |= pair & names
    work.doubt.clear()
    for name in [*work.chance.sample(sorted(work.sure), min(5, len(work.sure))), "seed"]:
        try:
            assert np.array_equal(library.get("small", name).vector, VECTOR), f"{name} changed"
        except EditLibraryError as error:
            raise AssertionError(f"{name} cannot be read") from error


def kill_clients(rounds: int, tally: Tally | None = None) -> dict[str, float]:
    """A client dies in the middle of its job: the device is free for the next one."""
    tally, name = tally or Tally(), "kill clients"
    program = Path(__file__).resolve().parents[1] / "server" / "client_that_dies.py"
    backend = Backend(COMMAND)
    try:
        with backend.connect() as connection:
            connection.request(segment())
            for _ in tally.rounds(name, rounds):
                words = [sys.executable, str(program)]
                with subprocess.Popen(words, cwd=CHECKOUT, stdout=subprocess.PIPE) as client:
                    assert client.stdout and client.stdout.readline()
                    client.send_signal(signal.SIGKILL)
                wait_until(lambda: connection.status().running is None, "the device is free")
                tally.add(name, stuck=0)
    finally:
        backend.kill()
    return tally.of(name)
