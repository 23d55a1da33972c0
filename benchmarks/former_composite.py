"""The composite of an earlier revision of this project, for comparisons in one run.

Its modules are taken from the history of the checkout that this file lies in and loaded beside
today's, under another package name.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
FLOW = "9a60e8c"  # the last revision that moved photos by optical flow
_FOLDER = "backend/photos"
_PACKAGE = "former_photos"


def load_former(revision: str = FLOW) -> ModuleType:
    """The module `composite` of a revision; raises SystemExit where its history is missing."""
    files = _git("ls-tree", "--name-only", revision, f"{_FOLDER}/").split()
    folder = Path(tempfile.mkdtemp(prefix="former-composite-"))
    package = folder / _PACKAGE
    package.mkdir()
    for file in files:
        if file.endswith(".py"):
            source = _git("show", f"{revision}:{file}")
            (package / Path(file).name).write_text(
                source.replace("backend.photos", _PACKAGE), encoding="utf-8"
            )
    sys.path.insert(0, str(folder))
    return importlib.import_module(f"{_PACKAGE}.composite")


def recorded_shifts(former: ModuleType) -> tuple[Callable[..., object], list[object]]:
    """`former.composite`, and a list that each call of it appends its motion to."""
    motions: list[object] = []
    estimate = former.estimate_motion

    def recorded(*arguments: object, **options: object) -> object:
        motions.append(estimate(*arguments, **options))
        return motions[-1]

    former.estimate_motion = recorded  # type: ignore[attr-defined]
    return former.composite, motions


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(
            f"The earlier revision cannot be read ({done.stderr.strip()}); run this benchmark in a "
            "full clone of the project."
        )
    return done.stdout
