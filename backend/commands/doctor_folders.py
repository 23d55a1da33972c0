"""What `editgan doctor` says of folders and files: private, writable, and there at all."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from backend.commands.findings import Finding
from protocol import bounded_file, paths, processes, settings

_ENOUGH = 256 << 20  # bytes: a model, its embeddings, some edits
_MAX_FILE = 1 << 20
_PATIENCE_S = 5.0


def folders() -> Iterator[Finding]:
    """Can the data folder be written, and is there room in it?"""
    folder = paths.data_dir()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        advice = "Change its permissions, or set EDITGAN_HOME to another folder."
        yield Finding("data folder", "problem", f"{folder}: {error.strerror}", advice)
        return
    free = shutil.disk_usage(folder).free
    if free < _ENOUGH:
        text = f"{folder}: only {free >> 20} MB are free"
        yield Finding("data folder", "problem", text, "Free some space on this disk.")
        return
    yield Finding("data folder", "ok", f"{folder} can be written")


def privacy() -> Iterator[Finding]:
    """Close what others may enter or read; only folders with the user's own things are touched."""
    if os.name != "posix":
        return
    places = [place for place in paths.private_dirs() if place.is_dir()]
    loose = [place for place in places if place.stat().st_mode & 0o077]
    files = [file for file in paths.keys_dir().glob("*") if file.is_file()]
    files += [file for file in (paths.settings_file(), paths.connection_file()) if file.is_file()]
    open_files = [file for file in files if file.stat().st_mode & 0o077]
    mended = []
    for path in (*loose, *open_files):
        try:
            path.chmod(0o600 if path in open_files else 0o700)
            mended.append(str(path))
        except OSError as error:
            text = f"others may read {path} ({error.strerror})"
            yield Finding("privacy", "problem", text, f"Make {path} your own: chown and chmod.")
    if mended:
        text = f"others could read {', '.join(mended)}; closed now"
        advice = "Make new keys where a key was readable: delete the folder keys."
        yield Finding("privacy", "note", text, advice if open_files else "")
    elif not loose and not open_files:
        yield Finding("privacy", "ok", "only you can read what is made from your photos")


def preferences() -> Iterator[Finding]:
    """Settings that do not fit: the defaults stand in for them."""
    if odd := settings.odd_values():
        text = f"{', '.join(odd)} in {paths.settings_file()} cannot be used; the defaults are"
        yield Finding("settings", "note", text, "Choose them anew in GIMP's settings window.")


def gimp() -> Iterator[Finding]:
    """What install.py put where, and whether it is still there."""
    path = paths.install_file()
    if not path.is_file():
        text = "install.py has not put the plug-in into a GIMP"
        yield Finding("GIMP plug-in", "note", text, "Run install.py for the menus in GIMP.")
        return
    try:
        values = bounded_file.read_json(path, _MAX_FILE)
    except (OSError, ValueError) as error:
        yield Finding("GIMP plug-in", "problem", f"{path}: {error}", "Run install.py again.")
        return
    values = values if isinstance(values, Mapping) else {}
    yield from _programs(values)
    listed = values.get("plugin_dirs")
    listed = listed if isinstance(listed, list) else []
    places = [Path(text) for text in listed if isinstance(text, str)]
    if not places and values.get("alone") is True:
        text = "the command line alone is installed"
        yield Finding("GIMP plug-in", "note", text, "Run install.py for the menus in GIMP.")
    elif not places:
        text = "the installation was not finished"
        yield Finding("GIMP plug-in", "problem", text, "Run install.py again.")
    for place in places:
        if list(place.glob("editgan.py")) or list(place.glob("editgan/editgan.py")):
            about = values.get("gimp") or {}
            text = f"installed in {place} (GIMP {about.get('version', 'of unknown version')})"
            yield Finding("GIMP plug-in", "ok", text)
        else:
            text = f"nothing in {place}"
            yield Finding("GIMP plug-in", "problem", text, "Run install.py again.")


def _programs(values: Mapping[str, object]) -> Iterator[Finding]:
    about = values.get("gimp")
    command = about.get("command") if isinstance(about, Mapping) else None
    program = command[0] if isinstance(command, list) and command else None
    for name, path in (("editgan command", values.get("editgan")), ("GIMP", program)):
        if isinstance(path, str) and os.path.isabs(path) and not Path(path).exists():
            yield Finding(name, "problem", f"{path} is missing", "Run install.py again.")


def waiting_service() -> Iterator[Finding]:
    """Whether the service answers at which a GIMP in a sandbox knocks, if there is one."""
    place = processes.installed().get("socket")
    if not isinstance(place, str):
        return
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PATIENCE_S)
            line.connect(place)
    except OSError as error:
        text = f"nobody answers at {place} ({error.strerror or error})"
        advice = "Log out and in again, or run install.py again."
        yield Finding("waiting service", "problem", text, advice)
        return
    yield Finding("waiting service", "ok", f"waits for GIMP at {place}")


CHECKS = (folders, privacy, preferences, gimp, waiting_service)
