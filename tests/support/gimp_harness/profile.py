"""The GIMP that the tests run in: prepared by `install.py --test`, with a fresh profile each."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from installer.find_gimp import Gimp
from installer.plugin import install_plugin
from installer.testing import TestFolders, prepared_gimp

SUPPORT = Path(__file__).resolve().parents[1]
REQUIRED = "EDITGAN_TEST_REQUIRES_GIMP"  # set by install.py --test: no GIMP is then a failure


@dataclass(frozen=True)
class TestGimp:
    """A GIMP with everything the tests need in it."""

    __test__ = False

    gimp: Gimp
    folders: TestFolders

    @property
    def root(self) -> Path | None:
        """The folder of a private GIMP, None for one of the machine's own."""
        return self.folders.data_dir / "gimp" if self.gimp.kind == "private" else None

    @property
    def console(self) -> tuple[str, ...]:
        return ("gimp-console",) if self.root else self.gimp.command

    def module_path(self, profile: Path) -> list[Path]:
        """What comes first on sys.path inside: the harness, pytest, the plug-in's own packages."""
        vendor = profile / "plug-ins/editgan/vendor" / self.gimp.vendor_name
        return [SUPPORT, self.folders.pytest / self.gimp.vendor_name, vendor]

    def make_profile(self, profile: Path, home: Path) -> None:
        """A copy of the template profile with this checkout's plug-in; `home`: its data folder."""
        shutil.copytree(self.folders.profile, profile)
        vendor = self.folders.vendor / self.gimp.vendor_name
        settings = {"data_dir": str(home), "python": sys.executable}
        install_plugin(profile / "plug-ins/editgan", vendor, settings)


def find_gimp(data_dir: Path) -> TestGimp:
    """The GIMP that install.py --test prepared; without it the calling test is skipped or fails."""
    if gimp := prepared_gimp(data_dir):
        return TestGimp(gimp, TestFolders(data_dir))
    reason = f"No GIMP is prepared for tests in {data_dir}: run python3 install.py --test."
    if os.environ.get(REQUIRED):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
