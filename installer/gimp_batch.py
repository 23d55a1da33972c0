"""Run Python inside GIMP and bring back its answer."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from installer.console import InstallError
from installer.find_gimp import Gimp

_ANSWER = "EDITGAN-ANSWER:"
_ERROR = "EDITGAN-ERROR:"
_FROM_GIMP = "EDITGAN-SAYS:"


def call_in_gimp(gimp: Gimp, procedure: str, title: str) -> dict[str, Any]:
    """Call a procedure without arguments of the plug-in; returns its JSON report."""
    code = f"""
import json
procedure = Gimp.get_pdb().lookup_procedure({procedure!r})
if procedure is None:
    print("{_ERROR}GIMP did not load the plug-in.", flush=True)
else:
    result = procedure.run(procedure.create_config())
    if result.index(0) == Gimp.PDBStatusType.SUCCESS:
        print("{_ANSWER}" + result.index(1), flush=True)
    else:
        print("{_ERROR}" + Gimp.get_pdb().get_last_error(), flush=True)
"""
    return run_in_gimp(gimp, code, title)


def run_file_in_gimp(gimp: Gimp, file: Path, settings: object, title: str) -> dict[str, Any]:
    """Run a Python file inside GIMP: its `main(settings, say)` returns what comes back."""
    code = f"""
import json, runpy
def say(text): print("{_FROM_GIMP}" + text, flush=True)
try:
    main = runpy.run_path({str(file)!r})["main"]
    print("{_ANSWER}" + json.dumps(main(json.loads({json.dumps(settings)!r}), say)), flush=True)
except Exception as error:
    print("{_ERROR}%s" % error, flush=True)
    raise
"""
    return run_in_gimp(gimp, code, title)


def run_in_gimp(gimp: Gimp, code: str, title: str) -> dict[str, Any]:
    """Run code that prints one line of answer or of error; lines for the user are shown.

    Raises InstallError with the plug-in's sentence, or with GIMP's last output when it said none.
    """
    batch = ["-i", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", code, "--quit"]
    said: list[str] = []
    error = ""
    answer: dict[str, Any] | None = None
    with subprocess.Popen(
        [*gimp.command, *batch],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        for line in process.stdout or ():
            said = [*said[-19:], line.rstrip()]
            if line.startswith(_FROM_GIMP):
                print(f"  {line.removeprefix(_FROM_GIMP).rstrip()}", flush=True)
            elif line.startswith(_ANSWER):
                answer = json.loads(line.removeprefix(_ANSWER))
            elif line.startswith(_ERROR):
                error = error or line.removeprefix(_ERROR).strip()
    if error:
        raise InstallError(f"{title}: {error}")
    if answer is None:
        quoted = "\n    ".join(said)
        raise InstallError(f"{title}: GIMP gave no answer. Its last words:\n    {quoted}")
    return answer
