"""The thread that owns the engine: moments first, embeddings together, each with its own end."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from backend.batch.engine_thread import EngineThread

Numbers = EngineThread[int, int]


class Tens:
    """Embeds numbers as their tens; knows with which others. 13 cannot be embedded."""

    def __init__(self) -> None:
        self.begun: list[object] = []

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.begun.append(list(numbers))
        if 13 in numbers:
            raise ValueError("13")
        return [10 * number for number in numbers]


def test_moments_go_first_and_subjects_together() -> None:
    embed, go_on = Tens(), threading.Event()
    engine = Numbers(embed, 4)
    holding = threading.Thread(target=engine.do, args=(go_on.wait,))
    holding.start()
    waiting = [engine.embed(number) for number in range(6)]
    asking = threading.Thread(target=engine.do, args=(lambda: embed.begun.append("moment"),))
    asking.start()
    while not engine._moments:  # the second one is asked for
        pass
    go_on.set()
    assert [future.result() for future in waiting] == [0, 10, 20, 30, 40, 50]
    assert embed.begun == ["moment", [0, 1, 2, 3], [4, 5]]
    holding.join()
    asking.join()


def test_few_subjects_wait_for_those_that_are_coming() -> None:
    embed = Tens()
    engine = Numbers(embed, 3)
    with engine.coming():
        first = engine.embed(1)
        engine.do(lambda: None)  # the engine has had its choice
        assert embed.begun == []
        second = engine.embed(2)
    assert (first.result(), second.result()) == (10, 20) and embed.begun == [[1, 2]]


def test_what_cannot_be_embedded_fails_alone() -> None:
    engine = Numbers(Tens(), 3)
    with engine.coming():
        waiting = [engine.embed(number) for number in (12, 13, 14)]
    with pytest.raises(ValueError, match="13"):
        waiting[1].result()
    assert (waiting[0].result(), waiting[2].result()) == (120, 140)
    with pytest.raises(ZeroDivisionError):
        engine.do(lambda: 1 // 0)
    assert engine.do(lambda: "still there") == "still there"
