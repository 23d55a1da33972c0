"""What the training tests share."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def aligned(tmp_path: Path) -> Path:
    """24 pictures of coloured discs, as `train align` writes them."""
    folder = tmp_path / "aligned"
    folder.mkdir()
    rng = np.random.default_rng(0)
    images = np.zeros((24, 32, 32, 3), np.uint8)
    for image in images:
        image[:] = rng.integers(0, 255, 3)
        color = tuple(int(c) for c in rng.integers(0, 255, 3))
        cv2.circle(image, (16, 16), int(rng.integers(4, 12)), color, -1)
    np.save(folder / "images.npy", images)
    (folder / "names.json").write_text(json.dumps([f"discs/{i}" for i in range(24)]))
    return folder
