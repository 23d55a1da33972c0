"""Writing label sets: indexed pictures that show their parts' colours in any program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.bundles.bundle import Part
from backend.training.labelled import label_path

CODES = "codes.safetensors"  # of a label set's pictures, as far as they are known


def palette(parts: Sequence[Part]) -> NDArray[np.uint8]:
    """uint8 [256, 3]: each label's colour; what is not labelled is white."""
    colors = np.full((256, 3), 255, np.uint8)
    for part in parts:
        colors[part.index] = part.color
    return colors


def write_classes(folder: Path, parts: Sequence[Part]) -> None:
    """Write `classes.json`, which makes a folder a label set."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([part.name for part in parts])
    (folder / "classes.json").write_text(text + "\n", encoding="utf-8")


def write_label_map(
    folder: Path, name: str, labels: NDArray[np.uint8], parts: Sequence[Part]
) -> Path:
    """Write a label map uint8 [H, W] as the labels of the photo `name`; returns its path."""
    path = label_path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(labels).convert("P")
    picture.putdata(labels.ravel().tolist())
    picture.putpalette(palette(parts).tobytes())
    picture.save(path, optimize=True)
    return path
