"""Handing photos out and taking results in, whoever does the work and whoever is lost meanwhile."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from backend.batch.tasks import Lost, Reply, Task, failed

_ATTEMPTS = 3  # a photo that three members did not survive is given up
_WAIT_S = 0.2


class Crew(Protocol):
    """Some members, each with a model, who work on several tasks at once."""

    def room(self) -> int:
        """How many more tasks they would take now."""

    def give(self, task: Task) -> None:
        """Let one of them do a task. Only where there is room."""

    def wait(self, seconds: float) -> list[Reply]:
        """What they have answered; waits at most so long for a first answer."""

    def stop(self) -> None:
        """Let them begin nothing more: what they have not begun comes back as Lost."""


class Dispatcher:
    """Tasks out, replies in, each once.

    A photo whose member was lost goes to another one; when that one is lost too, the photo is
    tried once more with nothing beside it, so that it takes no other photo down with it.
    """

    def __init__(self, crew: Crew, tasks: Iterable[Task]) -> None:
        self._crew = crew
        self._waiting = deque(tasks)
        self._suspects: deque[Task] = deque()
        self._out: dict[int, Task] = {}
        self._lost: Counter[int] = Counter()

    def replies(self, stopping: Callable[[], bool] = lambda: False) -> Iterator[Reply]:
        """Every task's reply as it comes. After `stopping` what is not begun is left out."""
        told = False
        while self._waiting or self._suspects or self._out:
            if stopping() and not told:
                told = True
                self._crew.stop()
            if told:
                self._waiting.clear()
                self._suspects.clear()
            self._hand_out()
            for reply in self._crew.wait(_WAIT_S):
                yield from self._taken(reply)

    def _hand_out(self) -> None:
        while self._waiting and self._crew.room() > 0:
            self._give(self._waiting.popleft())
        if self._suspects and not self._out and self._crew.room() > 0:
            self._give(self._suspects.popleft())

    def _give(self, task: Task) -> None:
        self._out[task.number] = task
        self._crew.give(task)

    def _taken(self, reply: Reply) -> Iterator[Reply]:
        task = self._out.pop(reply.number, None)
        if task is None:  # a second answer, of a member that was thought lost
            return
        if not isinstance(reply, Lost):
            yield reply
        elif not reply.stopped:
            yield from self._again(task)

    def _again(self, task: Task) -> Iterator[Reply]:
        self._lost[task.number] += 1
        if self._lost[task.number] >= _ATTEMPTS:
            yield failed(
                task.number,
                "The process that worked on this photo ended three times, perhaps for want of "
                "memory; scale the photo down, or use fewer --workers.",
            )
        elif self._lost[task.number] == 1:
            self._waiting.append(task)
        else:
            self._suspects.append(task)
