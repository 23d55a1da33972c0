"""A crew of actors in a Ray cluster, each with a model on a GPU or a processor core of its own.

Ray starts them where there is room, carries what is said, and tells when a machine is gone. Results
wait in the output folder where the members see it, and travel as bytes where they do not.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from backend.batch.crews import Work
from backend.batch.freed_memory import keep_freed_memory
from backend.batch.local_crew import DEPTH, MEMBER_BYTES
from backend.batch.tasks import BatchSettings, Lost, Reply, Task, failed
from backend.errors import BadImage, BadSetting
from backend.photos.files import read_bytes, reading
from protocol.errors import BackendError, UserError

if TYPE_CHECKING:
    from backend.batch.people import Person

LOCAL = "local"
_PATIENCE_S = 120.0  # without any member
_CONTROL = 1  # calls beside the photos: to stop


class Actor:
    """A member, as it lives in the cluster."""

    def __init__(
        self, settings: BatchSettings, device: str, people: Sequence[Person], sign: str
    ) -> None:
        """sign: a file in the output folder, which tells whether that is seen from here."""
        keep_freed_memory()
        from backend.batch.worker import PhotoWorker

        self._sees_files = Path(sign).is_file()
        self._problem: tuple[str, str] | None = None
        try:
            self._worker = PhotoWorker(settings, device, people)
        except UserError as error:
            self._problem = error.code, error.message

    def begin(self) -> tuple[bool, tuple[str, str] | None]:
        """Whether it sees the batch's files, and why it cannot work."""
        return self._sees_files, self._problem

    def do(self, work: Work, task: Task) -> Reply:
        return self._worker.doing(work)(task)

    def stop(self) -> None:
        self._worker.stop()


@dataclass
class _Member:
    actor: Any
    begun: Any  # the reference to what it says first; None: it has said it
    sees_files: bool = False
    tasks: dict[Any, Task] = field(default_factory=dict)  # by the reference to their reply


class RayCrew:
    """Members on all GPUs of a cluster, or on all processors where it has no GPU."""

    def __init__(
        self,
        address: str,
        settings: BatchSettings,
        folder: Path,
        *,
        count: int | None = None,
        people: Sequence[Person] = (),
    ) -> None:
        """address: of the cluster's head, or "local". folder: of the manifest.

        Raises BadSetting where the cluster cannot be reached.
        """
        self._ray = _connected(address)
        resources = self._ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        fits = int(min(resources.get("CPU", 0), resources.get("memory", 0) // MEMBER_BYTES))
        needs = {"num_gpus": 1} if gpus else {"num_cpus": 1, "memory": MEMBER_BYTES}
        self._actor = self._ray.remote(max_concurrency=DEPTH + _CONTROL, **needs)(Actor)
        sign = folder / "manifest.jsonl"
        self._about = settings, "cuda" if gpus else "cpu", tuple(people), str(sign.absolute())
        self._work: Work = "edit"
        self._stopped = False
        self._spoiled: list[Reply] = []
        self._alone_since = time.monotonic()
        self._members = [self._start() for _ in range(count or gpus or max(1, fits))]

    def __enter__(self) -> RayCrew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for member in self._members:
            self._ray.kill(member.actor)
        self._ray.shutdown()

    def doing(self, work: Work) -> RayCrew:
        """The same crew for another kind of work."""
        self._work = work
        return self

    def room(self) -> int:
        return sum(DEPTH - len(m.tasks) for m in self._ready())

    def give(self, task: Task) -> None:
        member = min(self._ready(), key=lambda one: len(one.tasks))
        if not member.sees_files:
            try:
                task = with_bytes(task)
            except BadImage as error:
                self._spoiled.append(failed(task.number, error.message))
                return
        member.tasks[member.actor.do.remote(self._work, task)] = task

    def wait(self, seconds: float) -> list[Reply]:
        spoiled, self._spoiled = self._spoiled, []
        if spoiled:
            return spoiled
        refs = [m.begun for m in self._members if m.begun is not None]
        refs += [ref for m in self._members for ref in m.tasks]
        ready, _ = self._ray.wait(refs, num_returns=1, timeout=seconds)
        found: list[Reply] = []
        for member in list(self._members):
            for ref in [r for r in ready if r is member.begun or r in member.tasks]:
                found += self._heard(member, ref)
        self._check_patience()
        return found

    def stop(self) -> None:
        self._stopped = True
        for member in self._members:
            if member.begun is None:
                member.actor.stop.remote()

    def _ready(self) -> list[_Member]:
        return [] if self._stopped else [m for m in self._members if m.begun is None]

    def _start(self) -> _Member:
        actor = self._actor.remote(*self._about)
        return _Member(actor, actor.begin.remote())

    def _heard(self, member: _Member, ref: Any) -> list[Reply]:
        """What a member has said, or what it has left undone."""
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.RayError:
            return self._replace(member)
        if ref is member.begun:
            member.begun = None
            member.sees_files, problem = answer
            if problem:
                raise BackendError(*problem)
            return []
        del member.tasks[ref]
        return [answer]

    def _replace(self, member: _Member) -> list[Reply]:
        """Its machine is gone, or its process: another one begins as soon as there is room."""
        self._members.remove(member)
        self._ray.kill(member.actor)
        if not self._stopped:
            self._members.append(self._start())
        return [Lost(task.number, stopped=self._stopped) for task in member.tasks.values()]

    def _check_patience(self) -> None:
        if any(member.begun is None for member in self._members):
            self._alone_since = time.monotonic()
        elif time.monotonic() - self._alone_since > _PATIENCE_S:
            raise BadSetting(
                "No machine of the Ray cluster has room for the model; see `ray status`, and run "
                "the same again to go on."
            )


def with_bytes(task: Task) -> Task:
    with reading(task.place()):
        data = read_bytes(task.place())
    return dataclasses.replace(task, data=data, staged=None)


def _connected(address: str) -> Any:
    """Ray, connected to a cluster, or to one that it starts here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody asked to be counted
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray's own new default
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address == LOCAL:
            ray.init(include_dashboard=False, **quiet)
        else:
            os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "3")  # attempts, not minutes
            ray.init(address=address, **quiet)
    except Exception as error:  # of many kinds: refused, no such host, another version
        what = str(error).strip().splitlines()[0]
        raise BadSetting(f"There is no Ray cluster at '{address}' ({what:.200}).") from error
    return ray
