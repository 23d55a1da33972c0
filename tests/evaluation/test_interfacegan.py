import numpy as np
import pytest

from backend.evaluation.interfacegan import find_boundary

N_WS, W_DIM = 6, 12


def codes(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes whose attribute is the sign of their third number; all w of a code are alike."""
    w = rng.normal(0, 1, (count, 1, W_DIM)).astype(np.float32)
    labels = w[:, 0, 2] > 0
    w[:, 0, 2] += np.where(labels, 0.5, -0.5)
    return w + rng.normal(0, 0.05, (count, N_WS, W_DIM)).astype(np.float32), labels


def test_the_boundary_s_normal_is_what_tells_the_classes_apart() -> None:
    rng = np.random.default_rng(0)
    (fit, labels), (held, held_labels) = codes(rng, 300), codes(rng, 100)
    found = find_boundary(fit, labels, held, held_labels)
    assert found.fitted_on == 300 and found.accuracy > 0.95
    assert found.normal.shape == (W_DIM,) and found.normal.dtype == np.float32
    assert found.normal[2] > 0.97 and np.linalg.norm(found.normal) == pytest.approx(1)


def test_its_vector_is_as_long_as_the_one_it_is_compared_with() -> None:
    rng = np.random.default_rng(1)
    fit, labels = codes(rng, 100)
    other = rng.normal(0, 3, (N_WS, W_DIM)).astype(np.float32)
    vector = find_boundary(fit, labels, fit, labels).vector(like=other)
    assert vector.shape == other.shape and vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(np.linalg.norm(other), rel=1e-5)
    assert (vector == vector[0]).all() and vector[0, 2] > 0


def test_labels_that_mean_nothing_are_found_out() -> None:
    rng = np.random.default_rng(2)
    fit, held = codes(rng, 200)[0], codes(rng, 200)[0]
    chance = rng.random((2, 200)) > 0.5
    assert find_boundary(fit, chance[0], held, chance[1]).accuracy < 0.65
