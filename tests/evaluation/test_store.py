from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.store import Store, digest


def never() -> np.ndarray:
    raise AssertionError("it was computed again")


def test_what_was_made_is_kept_for_the_next_run(tmp_path: Path) -> None:
    made = Store(tmp_path / "new").array(lambda: np.arange(3.0), "key", 1)
    kept = Store(tmp_path / "new").array(never, "key", 1)
    assert np.array_equal(made, kept)
    assert [p.suffix for p in (tmp_path / "new").iterdir()] == [".npy"]


def test_another_key_is_another_array(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.array(lambda: np.zeros(2), "key", 1)
    assert store.array(lambda: np.ones(2), "key", "1").sum() == 2


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.array(lambda: np.arange(3.0), "key")
    next(tmp_path.iterdir()).write_bytes(b"\x93NUMPY half")
    assert store.array(lambda: np.arange(3.0), "key").tolist() == [0, 1, 2]
    assert store.array(never, "key").tolist() == [0, 1, 2]


def test_anew_forgets_what_earlier_runs_made_once(tmp_path: Path) -> None:
    Store(tmp_path).array(lambda: np.zeros(1), "key")
    store = Store(tmp_path, anew=True)
    assert store.array(lambda: np.ones(1), "key") == 1
    assert store.array(never, "key") == 1


def test_what_fails_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        Store(tmp_path).array(never, "key")
    assert list(tmp_path.iterdir()) == []


def test_a_digest_tells_contents_apart() -> None:
    a = np.arange(4.0)
    assert digest(a) == digest(a.copy()) != digest(a + 1)
    assert digest(a[::2]) == digest(a[::2].copy())
