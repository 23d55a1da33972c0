"""InterFaceGAN (Shen et al. 2020): a direction in W from labelled pictures, the baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC


@dataclass(frozen=True, eq=False)
class Boundary:
    """A linear boundary between codes without and with an attribute.

    normal: float32 [w_dim], unit length. accuracy: on codes that it was not fitted to.
    """

    normal: NDArray[np.float32]
    fitted_on: int
    accuracy: float

    def vector(self, like: NDArray[np.float32]) -> NDArray[np.float32]:
        """The normal for every w, [n_ws, w_dim], as long as the vector `like`: so the scales of
        both mean steps of one size."""
        layers = like.shape[0]
        length = np.linalg.norm(like) / np.sqrt(layers)
        return np.repeat(self.normal[None] * np.float32(length), layers, axis=0)


def find_boundary(
    codes: NDArray[np.float32],
    labels: NDArray[np.bool_],
    held_codes: NDArray[np.float32],
    held_labels: NDArray[np.bool_],
) -> Boundary:
    """A linear support vector machine in W; codes: w_plus [N, n_ws, w_dim], labels: bool [N].

    W is what all layers share: the mean of a code's w.
    """
    w, held = codes.mean(axis=1), held_codes.mean(axis=1)
    # Few photos, many dimensions: without a small C the normal follows single photos.
    machine = LinearSVC(C=0.01, class_weight="balanced", max_iter=20_000).fit(w, labels)
    normal = machine.coef_[0] / np.linalg.norm(machine.coef_[0])
    accuracy = float(np.mean(machine.predict(held) == held_labels))
    return Boundary(normal.astype(np.float32), len(w), accuracy)
