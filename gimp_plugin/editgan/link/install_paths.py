"""Where the plug-in's packages are: beside it when installed, else in the checkout."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from pathlib import Path

from link.errors import PlugInError
from link.texts import _

HERE = Path(__file__).resolve().parents[1]  # the plug-in's own folder
NOTE = HERE / "editgan-install.json"  # written by install.py


def vendor_folder() -> Path:
    """Compiled packages are bound to one Python version and platform, hence one folder for each."""
    return HERE / "vendor" / f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"


def make_importable() -> None:
    """Put `protocol`, zmq and msgpack on the module path, and check that they are there.

    Where zmq is missing, or does not load, a bridge process has it instead (protocol.links).

    Raises PlugInError if this GIMP's Python has no matching packages.
    """
    if not (HERE / "protocol").is_dir():  # running from a checkout: gimp_plugin/editgan/
        sys.path.append(str(HERE.parent.parent))
    if vendor_folder().is_dir():
        sys.path.insert(1, str(vendor_folder()))
    try:
        import msgpack  # noqa: F401

        import protocol  # noqa: F401
    except ImportError as error:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise PlugInError(
            _(
                "EditGAN's packages for GIMP's Python {version} are missing ({error}): "
                "run install.py again."
            ).format(version=version, error=error)
        ) from error


def use_installed_home() -> None:
    """Keep to data folder and Python that install.py chose, unless the environment has others."""
    try:
        note = json.loads(NOTE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    variables = {
        "EDITGAN_HOME": "data_dir",
        "EDITGAN_PYTHON": "python",
        "EDITGAN_SOCKET": "socket",
    }
    for variable, key in variables.items():
        value = note.get(key) if isinstance(note, dict) else None
        if isinstance(value, str) and value:
            os.environ.setdefault(variable, value)
