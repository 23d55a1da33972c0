"""install.json: what install.py put where, so that `--uninstall` removes that and nothing else.

A path is recorded before it is made; an interrupted installation can therefore be removed too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from installer.console import InstallError
from installer.find_gimp import Gimp

FORMAT = 1


class Record:
    """The contents of `data_dir`/install.json, written through on every change."""

    def __init__(self, data_dir: Path) -> None:
        self.file = data_dir / "install.json"
        self._values: dict[str, Any] = {"format": FORMAT, "paths": [], "apt_packages": []}
        if self.file.exists():
            self._values |= self._read()

    @property
    def paths(self) -> list[Path]:
        """Folders and files that belong to the installation."""
        return [Path(path) for path in self._values["paths"]]

    @property
    def apt_packages(self) -> list[str]:
        """Debian packages that the installer added to the machine."""
        return list(self._values["apt_packages"])

    @property
    def plugin_dirs(self) -> list[Path]:
        return [Path(path) for path in self._values.get("plugin_dirs", [])]

    @property
    def gimp(self) -> Gimp | None:
        """The GIMP that the plug-in was installed into."""
        values = self._values.get("gimp")
        return Gimp.from_json(values) if values else None

    def add_path(self, path: Path) -> Path:
        """Record a path that is about to be made; returns it."""
        if str(path) not in self._values["paths"]:
            self._values["paths"].append(str(path))
            self._write()
        return path

    def add_apt_packages(self, names: list[str]) -> None:
        self._values["apt_packages"] = sorted({*self.apt_packages, *names})
        self._write()

    def set_backend(self, python: Path, editgan: Path, *, alone: bool = False) -> None:
        """Record the finished environment, for whoever starts the backend or a command.

        alone: no plug-in is wanted.
        """
        self._values |= {
            "alone": alone,
            "python": str(python),
            "editgan": str(editgan),
            "data_dir": str(self.file.parent),
        }
        self._write()

    def set_socket(self, socket: Path) -> None:
        """Record where a service waits for a GIMP in a sandbox."""
        self._values["socket"] = str(socket)
        self._write()

    def set_plugin(self, gimp: Gimp) -> None:
        """Record the finished plug-in."""
        known = [str(path) for path in self.plugin_dirs]
        if str(gimp.plugin_dir) not in known:
            known.append(str(gimp.plugin_dir))
        self._values |= {"gimp": gimp.as_json(), "plugin_dirs": known}
        self._write()

    def forget(self) -> None:
        """Remove install.json itself."""
        self.file.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            values = json.loads(self.file.read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']}")
        except (ValueError, KeyError, TypeError) as error:
            raise InstallError(
                f"{self.file} cannot be read ({error}); delete it and run install.py again."
            ) from error
        return dict(values)

    def _write(self) -> None:
        write_atomically(self.file, json.dumps(self._values, indent=1) + "\n")


def write_atomically(file: Path, text: str) -> None:
    """Replace a file so that it is never seen half-written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, file)
