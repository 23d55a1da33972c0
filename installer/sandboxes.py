"""GIMPs in a sandbox: which folder such a GIMP sees, and which permission it lacks."""

from __future__ import annotations

import configparser
import os
import subprocess
from pathlib import Path

from installer.find_gimp import Gimp

FLATPAK = "org.gimp.GIMP"
_GRANT = "xdg-config/GIMP"


def granted_folder(gimp: Gimp) -> Path | None:
    """The folder that plug-in and service share; None for a GIMP that sees everything.

    Flatpak's GIMP is granted the folder of its profiles; a snap has a folder of its own, which it
    keeps over its updates.
    """
    if gimp.kind == "flatpak":
        return Path(gimp.directory).parent / "editgan"
    if gimp.kind == "snap":
        return Path.home() / "snap/gimp/common/editgan"
    return None


def missing_permission(gimp: Gimp, folder: Path) -> str | None:
    """What to type so that a sandboxed GIMP sees `folder`; None where it does, or may."""
    if gimp.kind != "flatpak":
        return None
    told = _permissions("info", "--show-permissions", FLATPAK)
    changed = _permissions("override", "--user", "--show", FLATPAK)
    if told is None or _sees([*told, *(changed or [])], folder):
        return None
    return f"flatpak override --user --filesystem={_GRANT} {FLATPAK}"


def _permissions(*words: str) -> list[str] | None:
    """The file systems that Flatpak names; None where it says nothing."""
    try:
        done = subprocess.run(["flatpak", *words], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(done.stdout)
    except configparser.Error:
        return None
    listed = parser.get("Context", "filesystems", fallback="")
    return [entry.strip() for entry in listed.split(";") if entry.strip()]


def _sees(entries: list[str], folder: Path) -> bool:
    """Whether one of Flatpak's entries ("home", "xdg-config/GIMP:create", "!host") has it."""
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    seen = False
    for entry in entries:  # later ones win
        name, _, mode = entry.removeprefix("!").partition(":")
        if name in ("host", "host-reset"):
            place = Path("/")
        elif name == "home":
            place = home
        elif name.startswith("xdg-config"):
            place = config / name.removeprefix("xdg-config").strip("/")
        else:
            place = Path(name).expanduser()
        if place.is_absolute() and folder.is_relative_to(place):
            seen = not entry.startswith("!") and mode != "ro"
    return seen
