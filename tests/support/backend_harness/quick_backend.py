"""The real backend, whose levels of embedding are all quick: `quick_backend.py serve ...`.

A photo opened in GIMP is embedded in few steps: how closely is not what the tests there are about,
and they open a hundred. A process of its own, as `python -m backend.cli serve` is.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from backend.cli import main
from backend.session.installed_bundles import InstalledBundles

if TYPE_CHECKING:
    from backend.editing.editor import Editor

_STEPS = {"fast": 4, "balanced": 6, "faithful": 8}  # in place of 20, 100 and 400
_load = InstalledBundles.load


def _load_and_be_quick(self: InstalledBundles, name: str, device: str) -> Editor:
    from backend.editing import inversion  # imports torch: not before the sockets are open

    for level, steps in _STEPS.items():
        inversion.LEVELS[level] = replace(inversion.LEVELS[level], steps=steps)
    return _load(self, name, device)


if __name__ == "__main__":
    InstalledBundles.load = _load_and_be_quick  # type: ignore[method-assign]
    sys.exit(main())
