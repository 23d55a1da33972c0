"""Parts of the plug-in that need no GIMP, tested without one; the rest is in tests/gimp."""

from __future__ import annotations

import sys
from pathlib import Path

# Last: the plug-in's module names are short, and nothing of that name must be hidden by them.
sys.path.append(str(Path(__file__).resolve().parents[2] / "gimp_plugin/editgan"))
