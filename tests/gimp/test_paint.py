"""Painting in the EditGAN window, with the mouse on the canvas: see support/paint_in_gimp.py."""

import os
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import STATUS, succeeded
from gimp_story import run_story

Call = Callable[..., Gimp.ValueArray]

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


def test_a_chip_and_a_stroke_become_an_entry_of_the_stack(
    call: Call, segmented_file: Path, tmp_path: Path
) -> None:
    succeeded(call(STATUS))  # the backend runs
    told = run_story("paint_in_gimp", tmp_path, segmented_file)
    assert told["report"] == {"people": 1, "kept": 1}
    ((kind, parts, scale),) = told["entries"]
    assert (kind, scale) == ("repaint", 1.0)
    assert parts and set(parts) <= set(told["parts"])
    group, photo = told["before"]
    assert told["after"][0] == group and told["after"][-1] == photo
    assert len(told["after"]) == 3
