"""Find GIMP 3 on this machine and ask it about itself."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from installer import windows

_MARK = "EDITGAN-GIMP-ANSWER:"
# Runs inside GIMP's python-fu-eval. plug-in-path is a list of folders in gimprc's own notation.
_QUESTION = f"""
import json, sys, sysconfig
procedure = Gimp.get_pdb().lookup_procedure("gimp-gimprc-query")
config = procedure.create_config()
config.set_property("token", "plug-in-path")
result = procedure.run(config)
answer = {{
    "version": Gimp.version(),
    "directory": Gimp.directory(),
    "python": "%d.%d" % sys.version_info[:2],
    "cache_tag": sys.implementation.cache_tag,
    "platform": sysconfig.get_platform(),
    "plug_in_path": result.index(1) if result.length() > 1 else "",
}}
print("{_MARK}" + json.dumps(answer), flush=True)
"""


_APPIMAGES = ("~/Applications", "~/AppImages", "~/.local/bin", "~/Downloads", "~/bin", "/opt")


@dataclass(frozen=True)
class Gimp:
    """One GIMP 3 and what it said about itself."""

    kind: str  # native, appimage, flatpak, snap, private
    command: tuple[str, ...]  # runs gimp-console
    version: str  # "3.0.4"
    directory: str  # its profile folder
    python: str  # "3.13": the Python its plug-ins run on
    cache_tag: str  # "cpython-313"
    platform: str  # "linux-x86_64"
    plug_in_path: str

    @property
    def plugin_dir(self) -> Path:
        """Where EditGAN's plug-in belongs in this GIMP."""
        return Path(self.directory) / "plug-ins" / "editgan"

    @property
    def may_load_wheels(self) -> bool:
        """Whether PyPI's compiled packages may fit.

        MSYS2's Python, which GIMP for Windows brings, is built by another compiler; its platform
        says so ("mingw_x86_64_ucrt").
        """
        return not self.platform.startswith("mingw")

    @property
    def vendor_name(self) -> str:
        """The folder of compiled packages that fit its Python."""
        return f"{self.cache_tag}-{self.platform}"

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "command": list(self.command)}

    @staticmethod
    def from_json(values: Mapping[str, object]) -> Gimp:
        """The inverse of as_json; raises KeyError or TypeError on anything else."""
        command = values["command"]
        if not isinstance(command, list):
            raise TypeError("command is not a list")
        rest = {name: str(value) for name, value in values.items() if name != "command"}
        return Gimp(command=tuple(str(word) for word in command), **rest)


def candidates(system: str = sys.platform) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(kind, gimp-console command) of every GIMP 3 that may be here, likeliest first."""
    for name in ("gimp-console-3.2", "gimp-console-3.0", "gimp-console-3", "gimp-console"):
        if found := shutil.which(name):
            yield "native", (found,)
    if system == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            for app in sorted(folder.glob("GIMP*.app"), reverse=True):
                yield "native", (str(app / "Contents/MacOS/gimp-console"),)
    if system == "win32":
        places = [*windows.gimp_folders(), *_usual_places_on_windows()]
        for folder in dict.fromkeys(places):
            for console in sorted((folder / "bin").glob("gimp-console-3*.exe"), reverse=True):
                yield "native", (str(console),)
    for place in _APPIMAGES if system.startswith("linux") else ():
        for image in sorted(Path(place).expanduser().glob("GIMP-3*.AppImage"), reverse=True):
            if os.access(image, os.X_OK):
                yield "appimage", (str(image),)  # GIMP itself: with -i it opens no window
    if shutil.which("flatpak"):
        for name in ("gimp-console-3.2", "gimp-console-3.0"):
            yield "flatpak", ("flatpak", "run", f"--command={name}", "org.gimp.GIMP")
    if shutil.which("snap"):
        yield "snap", ("snap", "run", "gimp.gimp-console")


def _usual_places_on_windows() -> Iterator[Path]:
    for variable, place in {"LOCALAPPDATA": "Programs/GIMP 3", "PROGRAMFILES": "GIMP 3"}.items():
        if folder := os.environ.get(variable):
            yield Path(folder) / place


def ask(kind: str, command: tuple[str, ...], env: Mapping[str, str] | None = None) -> Gimp | None:
    """What this GIMP says about itself; None when it is not there or not GIMP 3."""
    arguments = ("-i", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", _QUESTION, "--quit")
    try:
        said = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            timeout=180,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in said.splitlines():
        if line.startswith(_MARK):
            return Gimp(kind=kind, command=command, **json.loads(line.removeprefix(_MARK)))
    return None


def find(wanted: str | None = None) -> Gimp | None:
    """The first GIMP 3 of this machine that answers, None when there is none.

    wanted: only one of that kind.
    """
    asked = (found for found in candidates() if wanted in (None, found[0]))
    answers = (ask(kind, command) for kind, command in asked)
    return next((gimp for gimp in answers if gimp and gimp.version.startswith("3.")), None)


def how_to_get() -> str:
    """One sentence for a user without GIMP 3."""
    if platform.system() == "Linux":
        return (
            "GIMP 3 was not found: install it with your distribution's package manager, as a "
            "Flatpak (flatpak install org.gimp.GIMP) or as an AppImage, start it once, and run "
            "this again."
        )
    return "GIMP 3 was not found: install it from gimp.org, start it once, and run this again."
