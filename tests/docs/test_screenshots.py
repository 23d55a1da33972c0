"""The script that makes the documentation's pictures of GIMP starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_the_script_names_its_pictures() -> None:
    words = [sys.executable, "docs/make_screenshots.py", "--help"]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "window" in done.stdout and "animation" in done.stdout
