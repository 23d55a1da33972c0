"""Models that the server has loaded."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.server.editors import LoadedEditors
from backend_harness.small_backend import SmallCatalogue


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_the_collector_passes_over_what_stays_loaded(tmp_path: Path) -> None:
    """A look through torch's objects would hold up every thread, pings' too, for a moment."""
    engines = LoadedEditors(SmallCatalogue(tmp_path / "broken"), "cpu")
    gc.unfreeze()
    engines.get("small")
    assert gc.get_freeze_count() > 1000
    engines.free_device()
    assert gc.get_freeze_count() == 0
    engines.get("small")
    assert gc.get_freeze_count() == 0  # nothing was loaded
    engines.forget()
    engines.get("small")
    assert gc.get_freeze_count() > 1000
