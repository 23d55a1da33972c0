"""`install.py --test`: what the tests need, then pytest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from installer.console import run
from installer.environment import PROJECT, Environment
from installer.find_gimp import Gimp
from installer.plugin import ensure_test_packages, ensure_vendor
from installer.private_gimp import apt_install, can_build
from installer.record import Record, write_atomically

# No windows, no questions, no conversions: an image opens as it is.
_QUIET = """
(show-welcome-dialog no)
(check-updates no)
(save-session-info no)
(color-profile-policy keep)
(metadata-rotation-policy keep)
"""


_MOST_PROCESSES = 4  # each takes up to 2 GB of memory
_FILE_TOOLS = {"exiftool": "libimage-exiftool-perl", "vips": "libvips-tools"}


@dataclass(frozen=True)
class TestFolders:
    """Where the tests find GIMP and what belongs to it."""

    __test__ = False

    data_dir: Path

    @property
    def gimp(self) -> Path:
        """JSON file: which GIMP. Written last: it stands for the rest."""
        return self.data_dir / "test/gimp.json"

    @property
    def profile(self) -> Path:
        """A GIMP profile that has been started once; every run of the tests copies it."""
        return self.data_dir / "test/profile"

    @property
    def pytest(self) -> Path:
        return self.data_dir / "test/pytest"

    @property
    def vendor(self) -> Path:
        return self.data_dir / "vendor"


def prepared_gimp(data_dir: Path) -> Gimp | None:
    """The GIMP that the tests run in, None before the first run, or where that is not readable."""
    file = TestFolders(data_dir).gimp
    try:
        return Gimp.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def ensure_file_tools(record: Record, data_dir: Path) -> None:
    """Programs that read picture files for the tests; where apt is not there, those are skipped."""
    missing = [package for tool, package in _FILE_TOOLS.items() if not shutil.which(tool)]
    if missing and can_build():
        apt_install(missing, record, data_dir / "logs/install.log")


def prepare_gimp(environment: Environment, gimp: Gimp, data_dir: Path) -> None:
    """Make what the tests inside GIMP need, unless it is there."""
    folders = TestFolders(data_dir)
    ensure_vendor(environment, gimp, folders.vendor)
    ensure_test_packages(environment, gimp, folders.pytest)
    wanted = json.dumps(gimp.as_json(), indent=1) + "\n"
    if folders.gimp.exists() and folders.gimp.read_text(encoding="utf-8") == wanted:
        return
    folders.gimp.unlink(missing_ok=True)
    _make_profile(gimp, folders)
    write_atomically(folders.gimp, wanted)


def _make_profile(gimp: Gimp, folders: TestFolders) -> None:
    """Start GIMP once with an empty profile, so that later starts take 2 s and not 7."""
    shutil.rmtree(folders.profile, ignore_errors=True)
    folders.profile.mkdir(parents=True)
    batch = ["--batch-interpreter=python-fu-eval", "-b", "print('profile made')", "--quit"]
    run(
        [*gimp.command, "-i", "-d", "-f", *batch],
        "GIMP profile for tests",
        folders.data_dir / "logs/install.log",
        env={"GIMP3_DIRECTORY": str(folders.profile)},
    )
    # Appended: without what GIMP wrote there itself, every start would query all plug-ins again.
    with (folders.profile / "gimprc").open("a", encoding="utf-8") as gimprc:
        gimprc.write(_QUIET)


def run_tests(environment: Environment, arguments: Sequence[str]) -> int:
    """Run pytest from the checkout; returns its exit code.

    The whole suite runs in several processes, unless `arguments` say otherwise (`-n 0`).
    """
    env = {**os.environ, "EDITGAN_TEST_REQUIRES_GIMP": "1"}
    some = any((PROJECT / word.split("::")[0]).exists() for word in arguments)
    command = [str(environment.python), "-m", "pytest", *([] if some else _shared_out())]
    command += arguments
    return subprocess.run(command, cwd=PROJECT, env=env, check=False).returncode


def _shared_out() -> list[str]:
    """Arguments of pytest-xdist. Files stay whole, whose fixtures are shared, and in their order:
    those inside GIMP come last, since GIMP works through them by itself meanwhile."""
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    return ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"]
