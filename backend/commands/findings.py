"""What `editgan doctor` finds, and a report of it that may be shown to others."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from protocol import paths

_SIGNS = {"ok": "OK     ", "note": "NOTE   ", "problem": "PROBLEM"}
_LOG_BYTES = 60_000
_QUOTED = re.compile(r"'[^'\n]{1,200}'|“[^”\n]{1,200}”")
_PATHS = re.compile(r"(?<![\w.])(?:/[^\s:'\"(),;]+){2,}")


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: how it is and, where something is amiss, what to do."""

    check: str
    state: Literal["ok", "note", "problem"]
    text: str
    advice: str = ""


def lines_of(findings: Sequence[Finding]) -> list[str]:
    """A line for each finding, and one for its advice."""
    lines = []
    for found in findings:
        lines.append(f"{_SIGNS[found.state]} {found.check}: {found.text}")
        if found.advice:
            lines.append(f"        -> {found.advice}")
    return lines


def bug_report(findings: Sequence[Finding]) -> str:
    """One text for a bug report: findings, versions and the ends of the logs.

    No photo is in it, and no name: quoted names, the user's, the machine's, and all paths are
    replaced.
    """
    head = [f"EditGAN on {platform.platform()}, Python {sys.version.split()[0]}", ""]
    parts = [*head, *lines_of(findings)]
    for name in ("backend.log", "launch.log", "install.log"):
        parts += ["", f"--- {name}", _tail(paths.logs_dir() / name)]
    return _without_names("\n".join(parts)) + "\n"


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_BYTES))
            return file.read(_LOG_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return "(none)"


def _without_names(text: str) -> str:
    known = {str(paths.data_dir()): "DATA", str(Path.home()): "HOME"}
    user = os.environ.get("USER") or Path.home().name
    for name, word in known.items():
        text = text.replace(name, word)
    text = _PATHS.sub(_place, text)
    text = _QUOTED.sub("'...'", text)
    for name, word in ((user, "USER"), (platform.node(), "MACHINE")):
        if len(name) > 2:
            text = re.sub(rf"\b{re.escape(name)}\b", word, text)
    return text


def _place(found: re.Match[str]) -> str:
    """A path of a program's code stays, as errors are found by it; any other is a name."""
    path = found[0]
    return path if re.search(r"/(site-packages|backend|protocol|edit_library)/", path) else "PATH"
