"""What loads what: the protocol in GIMP's own Python, the server before torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("protocol.launch", "numpy"),
        ("protocol.launch", "torch"),
        ("protocol.launch", "backend"),
        ("backend.server.main", "torch"),  # it answers before torch is there
        ("backend.server.main", "numpy"),
        ("backend.server.files_handler", "torch"),
        ("backend.server.device_handler", "torch"),  # the engine loads it, if it needs it
        ("backend.cli", "numpy"),
        ("backend.commands.session", "protocol.messages"),  # no socket is used there
    ],
)
def test_heavy_packages_are_not_imported_early(module: str, absent: str) -> None:
    code = f"import sys, {module}; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT).returncode == 0
