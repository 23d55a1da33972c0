"""Two GIMPs at once, one backend."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp
from gimp_helpers import REPAINT, STATUS, succeeded

Call = Callable[..., Gimp.ValueArray]
START = (
    "import os, sys; sys.dont_write_bytecode = True; "
    "sys.path[:0] = os.environ['EDITGAN_TEST_PATH'].split(':'); "
    "from second_gimp import main; main()"
)


def test_both_get_their_results_from_one_backend(
    call: Call, repainted: Gimp.Image, tmp_path: Path
) -> None:
    began = succeeded(call(STATUS))
    profile = tmp_path / "profile"
    shutil.copytree(os.environ["GIMP3_DIRECTORY"], profile, symlinks=True)
    answer = tmp_path / "answer.json"
    settings = {"GIMP3_DIRECTORY": str(profile), "EDITGAN_TEST_ANSWER": str(answer)}
    words = ["gimp-console", "-n", "-i", "-d", "-f", "--batch-interpreter=python-fu-eval"]
    log = tmp_path / "second.log"
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(
            [*words, "-b", START, "--quit"],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        ) as second,
    ):
        while second.poll() is None:  # this GIMP keeps the backend busy all the while
            succeeded(call(REPAINT, repainted, None, steps=20))
    assert answer.exists(), log.read_text(encoding="utf-8")
    told = json.loads(answer.read_text(encoding="utf-8"))
    assert told["worked"], told
    assert len(told["layers"]) == 2
    assert succeeded(call(STATUS))["uptime_s"] >= began["uptime_s"]
