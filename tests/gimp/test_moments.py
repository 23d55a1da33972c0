"""Bad moments at GIMP's windows while a job runs: see support/moments_in_gimp.py."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import STATUS, succeeded
from gimp_story import run_story

Call = Callable[..., Gimp.ValueArray]

pytestmark = pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")


@pytest.fixture(scope="module")
def told(
    call: Call, segmented_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What became of each moment; GIMP itself lives to tell it."""
    succeeded(call(STATUS))  # the backend runs
    return run_story("moments_in_gimp", tmp_path_factory.mktemp("moments"), segmented_file)


def test_a_part_layer_is_deleted_in_live_repaint(told: dict[str, Any]) -> None:
    moment = told["part deleted in live repaint"]
    assert moment["edited"] == [moment["deleted"]]
    assert moment["layers"] == 3


def test_undo_in_the_middle_of_a_repaint(told: dict[str, Any]) -> None:
    """What it took back stays taken back, and the result comes all the same."""
    moment = told["undo in a repaint"]
    assert moment["status"] == int(Gimp.PDBStatusType.SUCCESS), moment["said"]
    (group, photo), layers = moment["before"], moment["layers"]
    assert group not in layers
    assert layers[1:] == [json.loads(moment["report"])["layer"], photo]


@pytest.mark.parametrize("moment", ["closed in a repaint", "closed in live repaint"])
def test_the_image_is_closed(told: dict[str, Any], moment: str) -> None:
    """The repaint's end is told in a message, Live Repaint's window goes with the image."""
    assert told[moment] == {"open": False}


def test_an_image_is_closed_with_its_window_open(
    call: Call, segmented_file: Path, tmp_path: Path
) -> None:
    """The window goes with it, and nobody complains."""
    succeeded(call(STATUS))  # the backend runs
    told = run_story("closed_in_gimp", tmp_path, segmented_file)
    assert told == {key: {"open": False, "message": False} for key in told}
    assert len(told) == 2
