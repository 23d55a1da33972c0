"""Readers of checkpoints that are quickly there."""

import forking
import pytest

from backend.bundles.importing import isolated


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints' readers are forked from a process that has loaded torch; test_bounds.py starts
    them as users' programs do."""
    monkeypatch.setattr(isolated, "subprocess", forking)
