"""Embeddings kept on disk."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from backend.photos.align import CropFrame
from backend.session import embedding_cache
from backend.session.embedding_cache import EmbeddingCache
from protocol.facts import PhotoReport, as_json

FRAME = CropFrame(np.array([[0, 0], [0, 9], [9, 9], [9, 0]]))
PIXELS = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
CODE = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
REPORT = PhotoReport(0.1, "SqueezeNet", 0.25, None, None, "well", "It is.", "fast", 1.5)


def test_embeddings_come_back_as_they_were(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "cache")
    key = cache.key(PIXELS, FRAME, "sha", "fast")
    assert cache.get(key) is None
    cache.put(key, CODE, dataclasses.replace(REPORT, mse=np.float32(0.5), perceptual=math.nan))
    found = EmbeddingCache(tmp_path / "cache").get(key)
    assert found is not None
    np.testing.assert_array_equal(found[0], CODE)
    assert found[1] == dataclasses.replace(REPORT, mse=0.5, perceptual=None)


def test_keys_tell_everything_apart_that_matters() -> None:
    other = PIXELS.copy()
    other[9, 9, 2] ^= 1
    keys = {
        EmbeddingCache.key(PIXELS, FRAME, "sha", "fast"),
        EmbeddingCache.key(other, FRAME, "sha", "fast"),
        EmbeddingCache.key(PIXELS.reshape(5, 20, 3), FRAME, "sha", "fast"),
        EmbeddingCache.key(PIXELS, FRAME.shifted(0.25, 0), "sha", "fast"),
        EmbeddingCache.key(PIXELS, FRAME, "other", "fast"),
        EmbeddingCache.key(PIXELS, FRAME, "sha", "faithful"),
    }
    assert len(keys) == 6
    again = EmbeddingCache.key(PIXELS[::-1][::-1], FRAME, "sha", "fast")
    assert again in keys


@pytest.mark.parametrize("code", [CODE.astype(np.float64), CODE[0], CODE * np.nan])
def test_what_is_no_embedding_is_dropped(tmp_path: Path, code: np.ndarray) -> None:
    cache = EmbeddingCache(tmp_path)
    with (tmp_path / "key.npz").open("wb") as file:
        text = json.dumps(as_json(REPORT)).encode()
        np.savez(file, w_plus=code, report=np.frombuffer(text, np.uint8))
    assert cache.get("key") is None
    assert list(tmp_path.iterdir()) == []


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    with (tmp_path / "key.npz").open("wb") as file:
        np.savez(file, w_plus=np.array([{}], dtype=object), report=np.zeros(2, np.uint8))
    assert cache.get("key") is None


def test_only_so_many_embeddings_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_cache, "_MAX_EMBEDDINGS", 3)
    cache = EmbeddingCache(tmp_path)
    for number in range(6):
        cache.put(f"key{number}", CODE, REPORT)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_report_that_says_too_little_is_dropped(tmp_path: Path) -> None:
    with (tmp_path / "key.npz").open("wb") as file:
        np.savez(file, w_plus=CODE, report=np.frombuffer(b"{}", np.uint8))
    assert EmbeddingCache(tmp_path).get("key") is None


def test_what_a_later_version_says_more_is_left_out(tmp_path: Path) -> None:
    text = json.dumps({**as_json(REPORT), "more": 1}).encode()
    with (tmp_path / "key.npz").open("wb") as file:
        np.savez(file, w_plus=CODE, report=np.frombuffer(text, np.uint8))
    found = EmbeddingCache(tmp_path).get("key")
    assert found is not None and found[1] == REPORT
