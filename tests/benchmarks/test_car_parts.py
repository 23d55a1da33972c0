"""Cars that other people labelled: which are compared, within which box, in which classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.car_parts import CLASSES, cases, within
from protocol.geometry import Rect

NAMES = {"0": "background", "1": "_background_", "2": "hood", "3": "back_left_door", "4": "trunk"}


def labelled(folder: Path, name: str, *boxes: tuple[int, slice, slice]) -> None:
    labels = np.zeros((90, 90), np.uint8)
    for value, rows, columns in boxes:
        labels[rows, columns] = value
    Image.fromarray(labels).save(folder / f"{name}_parts.png")
    Image.fromarray(np.full((90, 90, 3), 200, np.uint8)).save(folder / f"{name}.webp")


def test_cars_that_are_shown_whole_are_spread_and_boxed(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text(json.dumps(NAMES))
    doors, hood = (3, slice(30, 70), slice(15, 45)), (2, slice(40, 70), slice(45, 75))
    labelled(tmp_path, "whole", (1, slice(0, 5), slice(0, 90)), doors, hood)
    labelled(tmp_path, "cut", (3, slice(30, 70), slice(0, 60)))
    labelled(tmp_path, "small", (3, slice(30, 40), slice(40, 60)))
    ((name, photo, truth, box),) = cases(tmp_path)
    assert name == "whole" and photo.shape == (90, 120, 3) and truth.shape == (90, 120)
    assert box == Rect(20, 27, 80, 43)  # 7 % of the height above the glass, for the roof
    assert CLASSES[truth[50, 30]] == "door" and CLASSES[truth[50, 80]] == "bonnet"
    assert truth[2, 60] == truth[80, 60] == 0
    around, cut = within(box, truth, True), within(box, truth[:10, :10], False)
    assert around.sum() == 80 * 43 and around[27, 20] == 1 and cut.all()


def test_boot_lids_are_no_class_of_both(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text(json.dumps(NAMES))
    labelled(tmp_path, "rear", (4, slice(30, 70), slice(15, 75)))
    ((_, _, truth, box),) = cases(tmp_path)
    assert not truth.any() and box.width == 80
