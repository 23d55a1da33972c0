"""Jobs and the queue in which they wait for their worker."""

from __future__ import annotations

import functools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from backend.errors import JobCancelled
from protocol.messages import (
    Apply,
    HasPhoto,
    JobRequest,
    Message,
    Pixels,
    Preview,
    PreviewEdits,
    PreviewStack,
    Progress,
    Segment,
)

_PROGRESS_EVERY_S = 0.1
_PREVIEW_EVERY_S = 0.4
CANCEL_PATIENCE_S = 20.0  # after which a job that does not hear is given up
STAGE_PATIENCE_S = 600.0  # without any report
_WAITED_FOR, _UNASKED = 2, 3  # the urgency of work that one waits for, and of what nobody asked for
_EARLY = 0.03  # below this fraction a forecast is a guess


@dataclass(eq=False)
class Job:
    """One request of one client.

    The worker calls `report`; the I/O thread reads `latest` and sets `cancelled` or
    `enough`. `send` may be called from any thread.
    """

    client: bytes
    id: str
    request: JobRequest
    send: Callable[[Job, Message], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    enough: threading.Event = field(default_factory=threading.Event)  # keep what there is
    latest: Progress = field(default_factory=lambda: Progress(0.0, "Getting ready"))
    started: float | None = None
    heard: float = 0.0  # when it last reported; of a job that runs
    cancelled_at: float | None = None
    between: Callable[[], object] = lambda: None  # called after each report: others' short work
    _sent: float = 0.0
    _previewed: float = 0.0

    @property
    def kind(self) -> str:
        return type(self.request).__name__

    @functools.cached_property
    def size(self) -> int:
        """Bytes of its pixels: what it holds while it waits."""
        rasters = [getattr(self.request, name, None) for name in ("pixels", "preview")]
        rasters += [layer.alpha for layer in getattr(self.request, "layers", ())]
        return sum(memoryview(one.data).nbytes for one in rasters if isinstance(one, Pixels))

    def wait(self) -> None:
        self.latest = Progress(0.0, "Waiting for earlier work")

    @property
    def urgency(self) -> int:
        """0: a slider waits for it, 1: thumbnails, _UNASKED: embedding better what is known,
        _WAITED_FOR: all other work.
        """
        match self.request:
            case PreviewStack() | HasPhoto():
                return 0
            case PreviewEdits():
                return 1
            case Segment(improve=True):
                return _UNASKED
        return _WAITED_FOR

    def start(self) -> None:
        self.started = self.heard = time.monotonic()
        self.latest = Progress(0.0, "Starting")

    def cancel(self) -> None:
        """No longer wanted: it ends at its next report."""
        if not self.cancelled.is_set():
            self.cancelled_at = time.monotonic()
            self.cancelled.set()

    def overdue(self, now: float) -> bool:
        """Whether it gives no sign of life: it does not hear that it was cancelled, or for long."""
        unheard = self.cancelled_at is not None and now - self.cancelled_at > CANCEL_PATIENCE_S
        return unheard or now - self.heard > STAGE_PATIENCE_S

    def check(self) -> None:
        """Raises JobCancelled once the job is no longer wanted."""
        if self.cancelled.is_set():
            raise JobCancelled

    def report(
        self, fraction: float, text: str, preview: Callable[[], Preview] | None = None
    ) -> bool:
        """Tell the client how far the job is; raises JobCancelled once it is no longer wanted.

        preview: makes the picture, called only when it is time for one. Returns whether the client
        has had enough: the job should end with the best result so far.
        """
        self.check()
        now = self.heard = time.monotonic()
        fraction = min(max(float(fraction), 0.0), 1.0)
        self.latest = Progress(fraction, text, self._seconds_left(fraction, now))
        if now - self._sent >= _PROGRESS_EVERY_S:
            self._sent = now
            self.send(self, self.latest)
        if preview and now - self._previewed >= _PREVIEW_EVERY_S:
            self._previewed = now
            self.send(self, preview())
        self.between()
        self.heard = time.monotonic()
        self.check()
        return self.enough.is_set()

    def _seconds_left(self, fraction: float, now: float) -> float | None:
        if self.started is None or fraction < _EARLY:
            return None
        return (now - self.started) * (1 - fraction) / fraction

    def replaces(self, other: Job) -> bool:
        """Whether `other`, if it has not started, is no longer of use: an older slider
        position.
        """
        mine, old = self.request, other.request
        if not isinstance(mine, Apply | PreviewStack) or not isinstance(old, type(mine)):
            return False
        return self.client == other.client and mine.photo == old.photo

    def gives_way_to(self, other: Job) -> bool:
        """Whether nobody has asked for it, while somebody else waits: not for the like of it, or
        two windows would end each other's for ever.
        """
        unasked = self.urgency == _UNASKED
        return unasked and self.client != other.client and other.urgency == _WAITED_FOR


class JobQueue:
    """Between the I/O thread and one worker: first in, first out, but for previews.

    A preview overtakes the work of others, and that overtakes what nobody asked for; what one
    client sends is done in its order.
    """

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._running: Job | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, job: Job) -> list[Job]:
        """Append; returns the jobs that it took the place of, which will not run."""
        with self._changed:
            replaced = [old for old in self._waiting if job.replaces(old)]
            for old in replaced:
                self._waiting.remove(old)
            if self._running and self._running.gives_way_to(job):
                self._running.cancel()
            if self._waiting or self._running:
                job.wait()
            self._waiting.append(job)
            self._changed.notify()
        return replaced

    def take(self) -> Job | None:
        """The next job, marked as started; waits for one. None once the queue is closed."""
        with self._changed:
            self._running = None
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            job = self._more_urgent(_UNASKED) or self._waiting[0]
            self._running = self._started(job)
            return job

    def take_more_urgent(self, than: int) -> Job | None:
        """A job that may run while one of urgency `than` does, marked as started."""
        with self._changed:
            job = None if self._closed else self._more_urgent(min(than, _WAITED_FOR))
            return self._started(job) if job else None

    def _more_urgent(self, than: int) -> Job | None:
        """The most urgent job below `than` whose client has none before it in the queue."""
        first: dict[bytes, Job] = {}
        for job in self._waiting:
            first.setdefault(job.client, job)
        found = [job for job in first.values() if job.urgency < than]
        return min(found, key=lambda job: job.urgency, default=None)

    def _started(self, job: Job) -> Job:
        self._waiting.remove(job)
        job.start()
        return job

    def remove(self, job: Job) -> bool:
        """Take a job out that has not started; False where it has."""
        with self._changed:
            if job not in self._waiting:
                return False
            self._waiting.remove(job)
            return True

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
