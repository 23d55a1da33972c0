"""A crew of processes on this machine, each with a model and a few threads of its own.

Processes, not threads of one: most of the time goes into thousands of small operations of the
embedding, which leave a second thread little to do.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from backend.batch.crews import Work
from backend.batch.freed_memory import keep_freed_memory
from backend.batch.tasks import BatchSettings, Lost, Reply, Task
from backend.errors import BadSetting
from protocol.errors import BackendError, UserError

if TYPE_CHECKING:
    from backend.batch.people import Person

DEPTH = 6  # photos that a member has at once: one is read, four in the engine, one written
_ENDING_S = 5.0
MEMBER_BYTES = 2 << 30  # what a member needs with large photos: benchmarks/batch.py


@dataclass
class _Process:
    process: BaseProcess
    pipe: Connection
    device: str
    ready: bool = False
    tasks: dict[int, Task] = field(default_factory=dict)


class LocalCrew:
    """`count` processes. A process that dies is replaced; its photos come back as Lost."""

    def __init__(
        self,
        count: int,
        settings: BatchSettings,
        *,
        devices: Sequence[str] = ("cpu",),
        threads: int | None = None,
        people: Sequence[Person] = (),
    ) -> None:
        """devices: the members' in turn. threads: of the engine in each, None: what torch takes."""
        self._about = settings, threads, tuple(people)
        self._context = multiprocessing.get_context("spawn")
        self._work: Work = "edit"
        self._stopped = False
        self._members = [self._start(devices[i % len(devices)]) for i in range(count)]

    def __enter__(self) -> LocalCrew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def doing(self, work: Work) -> LocalCrew:
        """The same crew for another kind of work."""
        self._work = work
        return self

    def room(self) -> int:
        return sum(DEPTH - len(m.tasks) for m in self._members if not self._stopped)

    def give(self, task: Task) -> None:
        member = min(self._members, key=lambda one: len(one.tasks))
        member.tasks[task.number] = task
        with contextlib.suppress(OSError):  # it died: `wait` tells
            member.pipe.send((self._work, task))

    def wait(self, seconds: float) -> list[Reply]:
        found: list[Reply] = []
        ready = wait([member.pipe for member in self._members], seconds)
        for member in [m for m in self._members if m.pipe in ready]:
            found += self._heard(member)
        return found

    def stop(self) -> None:
        self._stopped = True
        for member in self._members:
            with contextlib.suppress(OSError):
                member.pipe.send(("stop", None))

    def close(self) -> None:
        """End the processes: they go when their pipes are closed."""
        for member in self._members:
            member.pipe.close()
        for member in self._members:
            member.process.join(_ENDING_S)
            if member.process.is_alive():
                member.process.kill()
                member.process.join()

    def _start(self, device: str) -> _Process:
        mine, theirs = self._context.Pipe()
        about = (theirs, device, *self._about)
        process = self._context.Process(target=_serve, args=about, daemon=True)
        process.start()
        theirs.close()
        return _Process(process, mine, device)

    def _heard(self, member: _Process) -> list[Reply]:
        """What a member has said, or what it has left undone."""
        try:
            answer = member.pipe.recv()
        except (EOFError, OSError):
            return self._replace(member)
        if isinstance(answer, _Failure):
            raise BackendError(answer.code, answer.message)
        if answer is None:
            member.ready = True
            return []
        member.tasks.pop(answer.number, None)
        return [answer]

    def _replace(self, member: _Process) -> list[Reply]:
        """One that had its model is replaced; one that never had is done without, if possible."""
        member.process.join()
        member.pipe.close()
        self._members.remove(member)
        if member.ready and not self._stopped:
            self._members.append(self._start(member.device))
        if not self._members and not self._stopped:
            raise BadSetting(
                "No process of the batch could load the model, perhaps for want of memory; close "
                "other programs, and run the same again to go on."
            )
        return [Lost(number, stopped=self._stopped) for number in member.tasks]


@dataclass(frozen=True)
class _Failure:
    """Why a member cannot begin."""

    code: str
    message: str


def _serve(
    pipe: Connection, device: str, settings: BatchSettings, threads: int | None, people: Any
) -> None:
    """A member's life: until the pipe is closed, by the batch or by its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the batch says what it means
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is imported
    keep_freed_memory()
    from backend.batch.worker import PhotoWorker

    said = threading.Lock()

    def say(answer: object) -> None:
        with said, contextlib.suppress(OSError):
            pipe.send(answer)

    try:
        worker = PhotoWorker(settings, device, people)
    except UserError as error:
        say(_Failure(error.code, error.message))
        return
    say(None)
    pool = ThreadPoolExecutor(DEPTH)
    try:
        while True:
            word, task = pipe.recv()
            if word == "stop":
                worker.stop()
            else:
                pool.submit(lambda do, task: say(do(task)), worker.doing(word), task)
    except (EOFError, OSError):
        os._exit(0)  # whatever the threads are doing is nobody's any more


def members_that_fit() -> int:
    """How many members this machine has processors and free memory for, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(x.split()[1]) << 10 for x in lines if x.startswith("MemAvailable"))
        return max(1, min(cores or 1, free // MEMBER_BYTES))
    return cores or 1
