"""A GIMP with all its windows, on a display of its own, for programs that are no tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gimp_harness.lane import PROJECT, end_backend_of
from gimp_harness.profile import TestGimp
from installer.enter import command, launcher, start_backend

SIZE = "1440x900"
_WINDOWS = """
Xvfb -displayfd 1 -noreset -r -screen 0 "$1"x24 -nolisten tcp >"$0/display" 2>/dev/null &
while [ ! -s "$0/display" ]; do sleep 0.05; done
export DISPLAY=:$(cat "$0/display")
openbox &
shift
exec "$@"
"""
_START = (
    "import os, sys; sys.dont_write_bytecode = True; "
    "sys.path[:0] = os.environ['EDITGAN_TEST_PATH'].split(':'); "
    "from gimp_story import tell; tell('{module}')"
)


def tell(
    gimp: TestGimp, run: Path, story: Path, settings: Mapping[str, str], seconds: float
) -> dict[str, Any]:
    """Run `story()` of a module in a GIMP of its own with its own backend; what it told.

    run: a folder, in which `home`, the data folder, may lie already; profile and log come there.
    settings: variables for the story. Raises RuntimeError, which says what GIMP said last, where it
    ends without an answer or takes longer than `seconds`.
    """
    home, profile, answer = run / "home", run / "profile", run / "answer.json"
    home.mkdir(exist_ok=True)
    gimp.make_profile(profile, home)
    outside = {**os.environ, "EDITGAN_HOME": str(home)}
    backend = [sys.executable, "-m", "backend.cli", "serve"]
    start = _START.format(module=story.stem)
    words = ["gimp", "-f", "--batch-interpreter=python-fu-eval", "-b", start]
    path = [story.parent, PROJECT, *gimp.module_path(profile)]
    with launcher({"start": lambda: start_backend(backend, outside, PROJECT)}) as fifo:
        own = {
            "EDITGAN_HOME": str(home),
            "EDITGAN_LAUNCHER": str(fifo),
            "EDITGAN_TEST_ANSWER": str(answer),
            "EDITGAN_TEST_PATH": ":".join(map(str, path)),
            "GIMP3_DIRECTORY": str(profile),
            **settings,
        }
        shell = ["sh", "-c", _WINDOWS, str(run), SIZE, *words]
        whole = command(gimp.root, shell, own) if gimp.root else shell
        try:
            _wait(whole, outside | own, run / "gimp.log", seconds)
        finally:
            end_backend_of(home)
    if not answer.exists():
        said = (run / "gimp.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{said[-3000:]}\nGIMP ended early.")
    told: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in told:
        raise RuntimeError(told["error"])
    return told


def _wait(words: list[str], env: Mapping[str, str], log: Path, seconds: float) -> None:
    with log.open("w") as file:
        try:
            subprocess.run(
                words, env=env, cwd=PROJECT, stdout=file, stderr=file, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError("GIMP did not end.") from None
