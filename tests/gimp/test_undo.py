"""Each command is one undo step: tried in a GIMP with windows, because only those have Ctrl+Z."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import PORTRAIT, STATUS, succeeded

Call = Callable[..., Gimp.ValueArray]
START = (
    "import os, sys; sys.dont_write_bytecode = True; "
    "sys.path[:0] = os.environ['EDITGAN_TEST_PATH'].split(':'); "
    "from undo_in_gimp import main; main()"
)


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs Xvfb")
def test_commands_are_undone_with_one_key(call: Call, tmp_path: Path) -> None:
    succeeded(call(STATUS))  # the backend runs
    profile = tmp_path / "profile"
    shutil.copytree(os.environ["GIMP3_DIRECTORY"], profile, symlinks=True)
    settings = {
        "GIMP3_DIRECTORY": str(profile),
        "EDITGAN_TEST_ANSWER": str(tmp_path / "answer.json"),
        "EDITGAN_TEST_IMAGE": str(PORTRAIT.absolute()),
    }
    words = ["gimp", "-n", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", START]
    done = subprocess.run(
        words, env={**os.environ, **settings}, capture_output=True, text=True, timeout=250
    )
    answer = tmp_path / "answer.json"
    assert answer.exists(), done.stderr[-3000:]
    told = json.loads(answer.read_text(encoding="utf-8"))
    assert "error" not in told, told
    assert len(told["segmented"]["layers"]) == 2
    assert told["segment undone"] == told["start"]
    assert told["segment redone"] == told["segmented"]
    assert len(told["repainted"]["layers"]) == 3
    assert told["repainted"]["declared"] and not told["segmented"]["declared"]
    assert told["repaint undone"] == told["segmented"]
