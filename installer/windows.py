"""What only Windows has: where programs say they are installed, and names that are too long."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import platform
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from installer.console import InstallError

_UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall"
_FILE_SYSTEM = r"SYSTEM\CurrentControlSet\Control\FileSystem"
_LONGEST = 259  # characters of a path, where Windows has not been told to allow more
_IN_THE_FOLDER = len(r"\venv\Lib\site-packages") + 1 + 119  # the longest file of torch 2.11


def gimp_folders() -> Iterator[Path]:
    """Where GIMP's own installer says that it put GIMP 3: for all users, or for this one.

    Its keys are "GIMP-3_is1", "GIMP-3.0_is1" and the like (Inno Setup).
    """
    if platform.system() != "Windows":
        return
    registry = _registry()
    for root in (registry.HKEY_CURRENT_USER, registry.HKEY_LOCAL_MACHINE):
        for name in _subkeys(registry, root, _UNINSTALL):
            if name.startswith("GIMP-3"):
                place = _read(registry, root, rf"{_UNINSTALL}\{name}", "InstallLocation")
                if isinstance(place, str) and place:
                    yield Path(place)


def check_lengths(data_dir: Path) -> None:
    """Raise InstallError where torch's files would get names that Windows refuses."""
    if platform.system() != "Windows" or _long_paths_are_allowed():
        return
    if len(str(data_dir)) + _IN_THE_FOLDER > _LONGEST:
        room = _LONGEST - _IN_THE_FOLDER
        raise InstallError(
            f"{data_dir} is too long a name for Windows to keep torch in; set EDITGAN_HOME to a "
            f"folder with a name of at most {room} characters and run this again."
        )


def _long_paths_are_allowed() -> bool:
    registry = _registry()
    return _read(registry, registry.HKEY_LOCAL_MACHINE, _FILE_SYSTEM, "LongPathsEnabled") == 1


def _subkeys(registry: ModuleType, root: object, key: str) -> Iterator[str]:
    with contextlib.suppress(OSError), registry.OpenKey(root, key) as opened:
        for number in itertools.count():  # until there are no more, which is an OSError
            yield registry.EnumKey(opened, number)


def _read(registry: ModuleType, root: object, key: str, name: str) -> object:
    try:
        with registry.OpenKey(root, key) as opened:
            return registry.QueryValueEx(opened, name)[0]
    except OSError:
        return None


def _registry() -> ModuleType:
    return importlib.import_module("winreg")  # by name: it is on Windows only
