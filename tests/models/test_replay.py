"""Recording, where nothing can be recorded. What a GPU does is in test_on_a_gpu.py."""

import pytest
import torch

from backend.models.runtime import replay
from backend.models.runtime.replay import Recorded, replay_of


def test_on_a_cpu_a_function_is_called_each_time() -> None:
    seen = []

    def doubled(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return 2 * x

    recorded = Recorded(doubled)
    for count in (1, 1, 1, 2):
        x = torch.randn(count)
        torch.testing.assert_close(recorded(x), 2 * x)
    assert len(seen) == 4


def test_without_memory_there_is_no_recording_this_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, work: object) -> None:
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(replay.Replay, "__init__", full)
    assert replay_of(lambda: 1) is None
    assert replay._possible


def test_after_a_failure_no_recording_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def failing(self: object, work: object) -> None:
        tried.append(work)
        raise RuntimeError("not on this driver")

    monkeypatch.setattr(replay.Replay, "__init__", failing)
    monkeypatch.setattr(replay, "_possible", True)
    assert replay_of(lambda: 1) is None is replay_of(lambda: 1)
    assert len(tried) == 1
    assert "not on this driver" in caplog.text
