"""The checks that need no test of their own: lint, format and types of the whole tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "check", [["ruff", "check", "--output-format=concise"], ["ruff", "format", "--diff"], ["mypy"]]
)
def test_finds_nothing_to_mend(check: list[str]) -> None:
    command = [sys.executable, "-m", *check]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(check)}:\n{done.stdout}{done.stderr}", pytrace=False)
