"""tests/gimp runs inside GIMP. Outside, its tests are collected unseen and run in one or two GIMPs.

That goes on beside the tests outside; what came of it is shown after them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if "EDITGAN_INSIDE_GIMP" in os.environ:
    from gimp_helpers import repainted, segmented, segmented_file  # noqa: F401

    from gimp_harness.fixtures import *  # noqa: F403
else:

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(
        module_path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        """Read a test file here instead of importing it: its imports exist only inside GIMP."""
        from gimp_harness.outside import GimpFile

        if module_path.is_relative_to(Path(__file__).parent):
            return GimpFile.from_parent(parent, path=module_path)
        return None

    def pytest_collection_finish(session: pytest.Session) -> None:
        from gimp_harness.outside import GimpItem, start_gimp

        if not hasattr(session.config, "workerinput"):  # a worker's GIMPs are started for it
            nodes = [item.nodeid for item in session.items if isinstance(item, GimpItem)]
            start_gimp(session.config, nodes)
