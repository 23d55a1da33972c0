"""What the installer shows while it works: steps, lively progress of long commands, errors."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_SAY_EVERY_SECONDS = 15.0  # when the output is a log and not a terminal


class InstallError(Exception):
    """A step failed; the message says in one sentence what happened and what to do."""


def say(text: str) -> None:
    """Print one line at once, also when the output is a pipe."""
    print(text, flush=True)


class _Ticker:
    """One line that tells how long a command has run and what it said last, in silence too."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.start = time.monotonic()
        self.terminal = sys.stdout.isatty()
        self.line = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()

    def _tick(self) -> None:
        while not self._ended.wait(0.5 if self.terminal else _SAY_EVERY_SECONDS):
            text = f"  {self.title}: {time.monotonic() - self.start:.0f} s  {_readable(self.line)}"
            if self.terminal:
                print(f"\r\x1b[K{text[:110]}", end="", flush=True)
            else:
                say(text[:160])

    def done(self, ending: str) -> None:
        """Say how it ended; nothing more comes after it."""
        self._ended.set()
        self._thread.join()
        text = f"  {self.title}: {ending} ({time.monotonic() - self.start:.0f} s)"
        say(f"\r\x1b[K{text}" if self.terminal else text)


def _readable(line: str) -> str:
    """Shorten addresses to the file they name and drop what terminals cannot show."""
    line = re.sub(r"\S+://\S*/(\S+)", r"\1", line)
    return re.sub(r"[^\x20-\x7e]", "", line).strip()


def run(
    command: Sequence[str | Path],
    title: str,
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a long command, its output going to `log`, with progress on the screen.

    Raises InstallError, quoting the last lines of the output, when it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    ticker = _Ticker(title)
    words = [str(word) for word in command]
    with log.open("a", encoding="utf-8", errors="replace") as file:
        print(f"\n$ {shlex.join(words)}", file=file, flush=True)
        tail: list[str] = []
        with subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(env or {})},
            cwd=cwd,
        ) as process:
            try:
                for line in process.stdout or ():
                    file.write(line)
                    tail = [*tail[-14:], line.rstrip()]
                    ticker.line = line
            except BaseException:
                process.terminate()
                ticker.done("interrupted")
                raise
    if code := process.returncode:
        ticker.done("failed")
        quoted = "\n    ".join(tail)
        raise InstallError(
            f"{title} failed (exit code {code}); the whole output is in {log}:\n    {quoted}"
        )
    ticker.done("done")
