"""The real backend, whose levels of embedding are all quick: `quick_backend.py serve ...`.

A photo opened in GIMP is embedded in few steps: how closely is not what the tests there are about,
and they open a hundred. A process of its own, as `python -m backend.cli serve` is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = map(str, (Path(__file__).resolve().parents[k] for k in (3, 1)))

from quick_levels import quick_levels

from backend.cli import main
from backend.session.installed_bundles import InstalledBundles

if TYPE_CHECKING:
    from backend.editing.editor import Editor

_load = InstalledBundles.load


def _load_and_be_quick(self: InstalledBundles, name: str, device: str) -> Editor:
    from backend.editing import inversion  # imports torch: not before the sockets are open

    inversion.LEVELS.update(quick_levels())
    return _load(self, name, device)


if __name__ == "__main__":
    InstalledBundles.load = _load_and_be_quick  # type: ignore[method-assign]
    sys.exit(main())
