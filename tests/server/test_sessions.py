"""Open photos."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from backend.server.sessions import PhotoSession, PhotoStore, UnknownPhoto


def session(name: str, size: int) -> PhotoSession:
    part = SimpleNamespace(alpha=np.zeros(size // 2, np.uint8))
    opened = SimpleNamespace(pixels=np.zeros(size // 2, np.uint8), drawn=[part])
    return PhotoSession(name, "b", (0, 0, 1, 1), opened)  # type: ignore[arg-type]


def test_the_least_recently_used_photo_goes_first() -> None:
    store = PhotoStore(limit=250)
    for name in "abc":
        store.put(session(name, 100))
        assert store.get("a" if name < "c" else "c")
    assert len(store) == 2
    with pytest.raises(UnknownPhoto):
        store.get("b")
    assert store.get("a").photo == "a"


def test_the_newest_photo_stays_however_large() -> None:
    store = PhotoStore(limit=250)
    store.put(session("small", 10))
    store.put(session("large", 10_000))
    assert len(store) == 1
    assert store.get("large").photo == "large"


def test_opening_again_replaces() -> None:
    store = PhotoStore(limit=250)
    old, new = session("a", 100), session("a", 200)
    store.put(old)
    store.put(new)
    assert len(store) == 1
    assert store.get("a") is new
