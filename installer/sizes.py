"""`python3 -m installer.sizes`: how much each build has to download and how large it is on disk.

Downloads everything into a temporary folder: what is counted are the packages for this machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from installer.torch_build import PINS

BUILDS = {"cpu": ("backend", "torch"), "cuda": ("backend", "torch", "cuda")}


def measure(pins: str, folder: Path) -> tuple[int, int]:
    """Bytes of the packages that `pins` names, and of the files in them."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "-d", str(folder), "-r", str(PINS / f"{pins}.txt")], check=True)
    packages = list(folder.iterdir())
    unpacked = 0
    for package in packages:
        with zipfile.ZipFile(package) as content:
            unpacked += sum(entry.file_size for entry in content.infolist())
    return sum(package.stat().st_size for package in packages), unpacked


def main() -> None:
    """Print one line for each file of pins and each build."""
    sizes: dict[str, tuple[int, int]] = {}
    for pins in BUILDS["cuda"]:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            sizes[pins] = measure(pins, Path(folder))
        _print(pins, sizes[pins], f"{time.monotonic() - start:.0f} s to fetch here")
    for build, names in BUILDS.items():
        total = sum(sizes[name][0] for name in names), sum(sizes[name][1] for name in names)
        _print(f"--{build}", total)


def _print(name: str, sizes: tuple[int, int], note: str = "") -> None:
    download, unpacked = (size / 1e6 for size in sizes)
    print(f"{name:8} {download:6.0f} MB to download {unpacked:6.0f} MB on disk  {note}", flush=True)


if __name__ == "__main__":
    main()
