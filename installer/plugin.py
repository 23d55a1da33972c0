"""Put the plug-in into a GIMP: its files, the protocol beside it, packages for GIMP's Python."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from installer.console import InstallError, say
from installer.environment import PROJECT, Environment
from installer.find_gimp import Gimp
from installer.torch_build import PINS

SETTINGS = "editgan-install.json"  # tells the plug-in where data and backend are
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


def ensure_vendor(environment: Environment, gimp: Gimp, folder: Path) -> Path:
    """Packages for GIMP's Python, kept in `folder`/<tag>-<platform>; returns that folder.

    Where no built packages exist for that Python, the plug-in gets msgpack without its compiled
    half, and reaches the backend through a bridge process (protocol/bridge.py).
    """
    if gimp.may_load_wheels:
        try:
            return _ensure_packages(environment, gimp, folder, "gimp")
        except InstallError:
            say(f"  no built packages for GIMP's Python {gimp.python}: it gets a bridge process")
    target = folder / gimp.vendor_name
    shutil.rmtree(target, ignore_errors=True)
    compiled = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    shutil.copytree(environment.package("msgpack"), target / "msgpack", ignore=compiled)
    return target


def ensure_test_packages(environment: Environment, gimp: Gimp, folder: Path) -> Path:
    """pytest for GIMP's Python, kept in `folder`/<tag>-<platform>; returns that folder."""
    return _ensure_packages(environment, gimp, folder, "gimp-test")


def _ensure_packages(environment: Environment, gimp: Gimp, folder: Path, pins: str) -> Path:
    target = folder / gimp.vendor_name
    stamp = target / f"editgan-pins-{pins}.txt"
    wanted = (PINS / f"{pins}.txt").read_text(encoding="utf-8")
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        folder.mkdir(parents=True, exist_ok=True)
        environment.packages_for(target, pins, gimp.python, gimp.platform)
        stamp.write_text(wanted, encoding="utf-8")
    return target


def install_plugin(target: Path, vendor: Path, settings: Mapping[str, str]) -> None:
    """Copy the plug-in to `target` (.../plug-ins/editgan), replacing an older copy as a whole.

    settings: what the plug-in should know: data_dir, python, editgan (paths).
    """
    source = PROJECT / "gimp_plugin" / target.name
    main = f"{target.name}.py"
    if not (source / main).is_file():
        raise InstallError(f"{source / main} is missing; this checkout is incomplete.")
    # Beside the plug-ins folder, not in it: GIMP must never see half a plug-in.
    partial = target.parent.parent / f"{target.name}-plug-in.partial"
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, ignore=_IGNORED)
    shutil.copytree(PROJECT / "protocol", partial / "protocol", ignore=_IGNORED)
    shutil.copytree(vendor, partial / "vendor" / vendor.name, ignore=_IGNORED)
    (partial / SETTINGS).write_text(json.dumps(dict(settings), indent=1) + "\n", encoding="utf-8")
    (partial / main).chmod(0o755)  # without the run bit GIMP passes it over in silence
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
