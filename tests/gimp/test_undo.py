"""Each command is one undo step: tried in a GIMP with windows, because only those have Ctrl+Z."""

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


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_commands_are_undone_with_one_key(call: Call, tmp_path: Path) -> None:
    succeeded(call(STATUS))  # the backend runs
    told = run_story("undo_in_gimp", tmp_path)
    assert len(told["segmented"]["layers"]) == 2
    assert told["segment undone"] == told["start"]
    assert told["segment redone"] == told["segmented"]
    assert len(told["repainted"]["layers"]) == 3
    assert told["repainted"]["declared"] and not told["segmented"]["declared"]
    assert told["repaint undone"] == told["segmented"]
