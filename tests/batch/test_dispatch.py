"""Photos handed out: each is answered once, whoever is lost meanwhile."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from backend.batch.dispatch import Dispatcher
from backend.batch.tasks import Lost, Outcome, Reply, Task

TASKS = [Task(number, f"{number}.jpg", f"{number}.jpg") for number in range(20)]


@dataclass
class FakeCrew:
    """Two members that take three tasks each; `fate` says what becomes of a member's tasks."""

    fate: Callable[[list[int]], bool] = lambda numbers: False  # whether they are lost
    members: list[list[int]] = field(default_factory=lambda: [[], []])
    begun: Counter[int] = field(default_factory=Counter)
    stopped: bool = False
    late: deque[Reply] = field(default_factory=deque)
    most: int = 0

    def room(self) -> int:
        return 0 if self.stopped else sum(3 - len(member) for member in self.members)

    def give(self, task: Task) -> None:
        min(self.members, key=len).append(task.number)
        self.begun[task.number] += 1
        self.most = max(self.most, sum(map(len, self.members)))

    def wait(self, seconds: float) -> list[Reply]:
        said = [self.late.popleft()] if self.late else []
        for member in self.members:
            if member and self.fate(member):
                said += [Lost(number) for number in member]
                member.clear()
            elif member and self.stopped:
                said += [Outcome(member[0], "edited"), *(Lost(n, True) for n in member[1:])]
                member.clear()
            elif member:
                said.append(Outcome(member.pop(0), "edited"))
        return said

    def stop(self) -> None:
        self.stopped = True


def numbers(replies: list[Reply]) -> list[int]:
    return sorted(reply.number for reply in replies)


def test_every_task_is_answered_once_and_few_are_out_at_a_time() -> None:
    crew = FakeCrew()
    replies = list(Dispatcher(crew, TASKS).replies())
    assert numbers(replies) == list(range(20)) and crew.most == 6
    assert set(crew.begun.values()) == {1}


def test_photos_of_a_lost_member_are_done_by_another() -> None:
    left = iter([True, True])
    crew = FakeCrew(fate=lambda numbers: 5 in numbers and next(left, False))
    replies = list(Dispatcher(crew, TASKS).replies())
    assert numbers(replies) == list(range(20))
    assert all(isinstance(reply, Outcome) and reply.status == "edited" for reply in replies)
    assert crew.begun[5] == 3


def test_a_photo_that_no_member_survives_is_named_and_takes_no_other_with_it() -> None:
    crew = FakeCrew(fate=lambda numbers: 7 in numbers)
    replies = list(Dispatcher(crew, TASKS).replies())
    assert numbers(replies) == list(range(20)) and crew.begun[7] == 3
    lost = [r for r in replies if isinstance(r, Outcome) and r.status == "failed"]
    assert numbers([*lost]) == [7] and "three times" in str(lost[0].error)


def test_a_second_answer_is_not_taken() -> None:
    crew = FakeCrew(late=deque([Outcome(19, "edited"), Outcome(0, "failed")]))
    replies = list(Dispatcher(crew, TASKS).replies())
    assert numbers(replies) == list(range(20))


@pytest.mark.parametrize("after", [0, 1, 7])
def test_stopping_leaves_out_what_is_not_begun(after: int) -> None:
    crew, replies = FakeCrew(), list[Reply]()
    for reply in Dispatcher(crew, TASKS).replies(lambda: len(replies) >= after):
        replies.append(reply)
    assert after <= len(replies) < 14
    assert len(set(numbers(replies))) == len(replies)
