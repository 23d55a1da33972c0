"""Starting programs of the backend's environment from GIMP's process, on each system."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protocol import bounded_file, paths
from protocol.errors import BackendError

_SCRUBBED = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "LD_LIBRARY_PATH", "LD_PRELOAD")
_SCRUBBED_PREFIXES = ("GI_", "GIMP", "GEGL_", "BABL_", "DYLD_", "_PYI_")
FLATPAK_MARK = Path("/.flatpak-info")
# The folder of this very copy of the package: the plug-in and its bridge are of one version.
_PACKAGES = Path(__file__).resolve().parents[1]
_MAX_FILE = 1 << 20  # bytes of install.json
# Names in Windows' API, which Python has on Windows only
_DETACHED_PROCESS, _NEW_PROCESS_GROUP, _NO_WINDOW = 0x8, 0x200, 0x08000000


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what GIMP's packages set for their own Python and libraries."""
    return {
        name: value
        for name, value in environment.items()
        if name not in _SCRUBBED and not name.startswith(_SCRUBBED_PREFIXES)
    }


def detached(system: str = sys.platform) -> dict[str, Any]:
    """Arguments of Popen for a process that outlives this one and has no console."""
    if system == "win32":
        return {"creationflags": _DETACHED_PROCESS | _NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def hidden(system: str = sys.platform) -> dict[str, Any]:
    """Arguments of Popen for a helper of this process: no console window appears for it."""
    return {"creationflags": _NO_WINDOW} if system == "win32" else {}


def installed() -> Mapping[str, object]:
    """What install.json says; empty where there is none that can be read."""
    try:
        content = bounded_file.read_json(paths.install_file(), _MAX_FILE)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def backend_python() -> list[str]:
    """The words that run the backend's Python. Raises BackendError "backend_missing"."""
    for python in (os.environ.get("EDITGAN_PYTHON"), installed().get("python")):
        if isinstance(python, str) and reachable(python):
            return outside([python])
    raise BackendError(
        "backend_missing",
        "EditGAN's own Python was not found; run 'python3 install.py'.",
        f"{paths.install_file()} names none that exists",
    )


def bridge_words(module: str = "protocol.bridge") -> list[str]:
    """What follows Python's name in the command that runs the bridge, or another such program."""
    code = f"import sys; sys.path.insert(0, sys.argv.pop(1)); from {module} import main; "
    return ["-I", "-c", f"{code}sys.exit(main())", str(_PACKAGES)]


def reachable(program: str) -> bool:
    """Whether a program of the host may be there."""
    # inside a Flatpak the host's files may be out of sight: flatpak-spawn will tell
    return FLATPAK_MARK.exists() or Path(program).is_file()


def outside(command: list[str]) -> list[str]:
    """The command as it has to be said from where this process runs: on the host of a Flatpak."""
    if FLATPAK_MARK.exists():
        return ["flatpak-spawn", "--host", f"--env=EDITGAN_HOME={paths.data_dir()}", *command]
    return command
