"""Where things are kept. Everything lies below one folder, so that uninstalling is removing it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul"} | {
    f"{device}{number}" for device in ("com", "lpt") for number in range(10)
}


def is_folder_name(text: str) -> bool:
    """Whether every file system takes `text` as a folder's name: letters, digits, '-' and '_'."""
    return _FOLDER_NAME.fullmatch(text) is not None and text.lower() not in _WINDOWS_DEVICES


def data_dir() -> Path:
    """The user's EditGAN folder: `$EDITGAN_HOME`, else the platform's place for user data."""
    if home := os.environ.get("EDITGAN_HOME"):
        return Path(home).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "editgan"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local) / "editgan"
    # XDG: a relative value is invalid and must be ignored
    share = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (share if share.is_absolute() else Path.home() / ".local" / "share") / "editgan"


def private(folder: Path) -> Path:
    """A folder below the data folder, created where it is missing, that only its owner may enter.

    Raises OSError.
    """
    data_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix":
        state = folder.stat()
        if state.st_mode & 0o077 and state.st_uid == os.getuid():
            folder.chmod(0o700)
    return folder


def run_dir() -> Path:
    """The folder of sockets, lock and connection file; created, readable by its owner only."""
    return private(data_dir() / "run")


def connection_file() -> Path:
    return data_dir() / "run" / "connection.json"


def install_file() -> Path:
    """`install.json`: what install.py put where."""
    return data_dir() / "install.json"


def settings_file() -> Path:
    """`settings.json`: what the user chose in GIMP for good."""
    return data_dir() / "settings.json"


def bundles_dir() -> Path:
    return data_dir() / "bundles"


def library_dir() -> Path:
    return data_dir() / "library"


def cache_dir() -> Path:
    return data_dir() / "cache"


def keys_dir() -> Path:
    return data_dir() / "keys"


def labels_dir() -> Path:
    """Label sets that were painted in GIMP, by model."""
    return data_dir() / "labels"


def private_dirs() -> list[Path]:
    """What nobody else should read: keys, and what was made from the user's photos."""
    return [data_dir() / "run", keys_dir(), library_dir(), cache_dir(), labels_dir(), logs_dir()]


def logs_dir() -> Path:
    return data_dir() / "logs"
