"""What all tests share: nobody's real data is touched.

EDITGAN_HOME points to a temporary folder from the first moment on; the installed GIMP and its test
packages are still found through the real one.

With pytest-xdist (`-n 2 --dist loadfile`) every worker has such a folder; the GIMPs in which
tests/gimp runs are started and ended by the process that shares out the tests.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gimp_harness import INSTALLED, LANES
from protocol import paths

# Before anything imports torch. The tests inside GIMP run beside the others: threads of both would
# spin while they wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_TEMPORARY = pytest.StashKey[Path]()
_INSIDE_GIMP = "EDITGAN_INSIDE_GIMP" in os.environ
_NEED_GIMP = {"gimp", "install/test_resume.py", "install/test_where.py"}
_NEED_MODEL = {
    "batch/test_ray.py",
    "benchmarks",
    "bundles",
    "cli",
    "editing",
    "evaluation",
    "models",
    "photos/test_align.py",
    "photos/test_turned.py",
    "reliability/test_fuzz.py",
    "server/test_real_editor.py",
    "training",
}


def pytest_configure(config: pytest.Config) -> None:
    if _INSIDE_GIMP:  # the outer run has made one
        config.stash[INSTALLED] = paths.data_dir()
        return
    given = getattr(config, "workerinput", {})  # in a worker: by `pytest_configure_node`
    config.stash[INSTALLED] = Path(given.get("installed") or paths.data_dir())
    # Short: socket paths may have 107 characters.
    config.stash[_TEMPORARY] = Path(tempfile.mkdtemp(prefix="editgan-test-"))
    config.stash[LANES] = Path(given.get("lanes") or config.stash[_TEMPORARY] / "inside")
    os.environ["EDITGAN_HOME"] = str(config.stash[_TEMPORARY])


def pytest_unconfigure(config: pytest.Config) -> None:
    if folder := config.stash.get(_TEMPORARY, None):
        os.environ["EDITGAN_HOME"] = str(config.stash[INSTALLED])
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of pytest-xdist (node) what it cannot find by itself."""
    stash = node.config.stash
    node.workerinput.update(installed=str(stash[INSTALLED]), lanes=str(stash[LANES]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Starts GIMP when the first worker has collected: all of them collect the same."""
    from gimp_harness.outside import start_gimp

    start_gimp(node.config, [name for name in ids if name.startswith("tests/gimp/")])


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not _INSIDE_GIMP:
        from gimp_harness.outside import end_gimp

        end_gimp(session.config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test with what it needs: `gimp` a real GIMP, `model` torch and a bundle.

    Those inside GIMP come last, since they go on by themselves while the others run.
    """
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here)
        if place.parts[0] in _NEED_GIMP or str(place) in _NEED_GIMP:
            item.add_marker(pytest.mark.gimp)
        elif place.parts[0] in _NEED_MODEL or str(place) in _NEED_MODEL:
            item.add_marker(pytest.mark.model)
    if not _INSIDE_GIMP:
        items.sort(key=lambda item: item.path.is_relative_to(here / "gimp"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder (EDITGAN_HOME) of this test's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("EDITGAN_HOME", str(folder))
    return folder
