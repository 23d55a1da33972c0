"""EditGAN's own wheel, made again from where it was installed.

`pip install editgan-gimp` puts the package somewhere; `editgan setup` puts the same package into
the private environment, without asking the index again.
"""

from __future__ import annotations

import csv
import io
import zipfile
from importlib import metadata
from pathlib import Path

from installer.console import InstallError

NAME = "editgan-gimp"
# Written by whoever installed it, and not of the wheel.
_NOT_OF_IT = {"INSTALLER", "REQUESTED", "direct_url.json", "RECORD"}


def digest() -> str:
    """Changes whenever another package is installed: what its record says."""
    return _installed().read_text("RECORD") or ""


def make(folder: Path) -> Path:
    """Write the wheel into `folder`; returns it. Raises InstallError."""
    installed = _installed()
    record = installed.read_text("RECORD")
    if record is None:
        raise InstallError(f"{NAME} was not installed by pip; run install.py of its source.")
    rows = [row for row in csv.reader(io.StringIO(record)) if row and _belongs(row[0])]
    tag = f"{NAME.replace('-', '_')}-{installed.version}"
    wheel = folder / f"{tag}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([*rows, (f"{tag}.dist-info/RECORD", "", "")])
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for name, *_ in rows:
            archive.write(Path(str(installed.locate_file(name))), name)
        archive.writestr(f"{tag}.dist-info/RECORD", lines.getvalue())
    return wheel


def _belongs(name: str) -> bool:
    path = Path(name)
    outside = path.is_absolute() or ".." in path.parts  # the command, which pip makes anew
    return not outside and path.suffix != ".pyc" and path.name not in _NOT_OF_IT


def _installed() -> metadata.Distribution:
    try:
        return metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        raise InstallError(f"{NAME} is not installed; run install.py of its source.") from None
