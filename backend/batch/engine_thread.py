"""The thread that owns a member's engine: photos ask it for pieces of work, and it embeds the
subjects of several photos in one descent.

An embedding takes seconds, all else moments. So everything else goes first, and an embedding waits
until there are as many subjects as pay, or nobody else is about to bring one.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

Subject = TypeVar("Subject")
Opened = TypeVar("Opened")
T = TypeVar("T")


class EngineThread(Generic[Subject, Opened]):
    """Does one piece of work at a time, whoever asks. Its methods are called by other threads."""

    def __init__(self, embed: Callable[[Sequence[Subject]], list[Opened]], most: int) -> None:
        """embed: what makes of `most` subjects at once, or of fewer, what is opened."""
        self._embed, self._most = embed, most
        self._changed = threading.Condition()
        self._moments: deque[Callable[[], None]] = deque()
        self._subjects: deque[tuple[Subject, Future[Opened]]] = deque()
        self._coming = 0
        threading.Thread(target=self._run, name="engine", daemon=True).start()

    def do(self, work: Callable[[], T]) -> T:
        """What `work` gives or raises, done before any embedding that has not begun."""
        future = Future[T]()
        with self._changed:
            self._moments.append(lambda: _settle(future, lambda: [work()]))
            self._changed.notify()
        return future.result()

    def embed(self, subject: Subject) -> Future[Opened]:
        """What `subject` becomes, embedded with others."""
        future = Future[Opened]()
        with self._changed:
            self._subjects.append((subject, future))
            self._changed.notify()
        return future

    @contextlib.contextmanager
    def coming(self) -> Iterator[None]:
        """While somebody is about to ask for embeddings, those that wait are few."""
        with self._changed:
            self._coming += 1
        try:
            yield
        finally:
            with self._changed:
                self._coming -= 1
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._moments or self._enough())
                if self._moments:
                    work = self._moments.popleft()
                else:
                    count = min(self._most, len(self._subjects))
                    work = self._embedding([self._subjects.popleft() for _ in range(count)])
            work()

    def _enough(self) -> bool:
        waiting = len(self._subjects)
        return waiting >= self._most or (waiting > 0 and self._coming == 0)

    def _embedding(self, asked: Sequence[tuple[Subject, Future[Opened]]]) -> Callable[[], None]:
        def work() -> None:
            if len(asked) > 1:
                with contextlib.suppress(Exception):  # then each alone, so that only one fails
                    opened = self._embed([subject for subject, _ in asked])
                    return _deliver([future for _, future in asked], opened)
            for subject, future in asked:
                _settle(future, partial(self._embed, [subject]))
            return None

        return work


def _settle(future: Future[T], work: Callable[[], Sequence[T]]) -> None:
    try:
        _deliver([future], work())
    except BaseException as error:  # whoever waits is told, and the thread goes on
        future.set_exception(error)


def _deliver(futures: Sequence[Future[T]], results: Sequence[T]) -> None:
    for future, result in zip(futures, results, strict=True):
        future.set_result(result)
