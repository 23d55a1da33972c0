"""`install.py --uninstall`: removes what install.json lists, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from installer import service
from installer.console import say
from installer.environment import Environment
from installer.private_gimp import remove_root
from installer.record import Record

# the user's own: edits, models, keys for backends on other computers, settings
_OWN = ("library", "bundles", "keys", "settings.json")


def uninstall(data_dir: Path, *, purge: bool, sure: bool) -> int:
    """Remove the installation; purge: the user's own too. Returns the exit code.

    Asks first unless `sure`, or nobody is there to ask.
    """
    record = Record(data_dir)
    own = [data_dir / name for name in _OWN]
    doomed = [
        path
        for path in [*record.paths, *_palettes(record.paths), *(own if purge else [])]
        if path.exists() or path.is_symlink()
    ]
    if not doomed and not record.apt_packages:
        say(f"Nothing is installed below {data_dir}.")
        record.forget()
        return 0
    if not sure and sys.stdin.isatty() and not _agreed(doomed, record.apt_packages):
        say("Nothing was removed.")
        return 1
    service.stop()
    Environment(data_dir, record).stop_backend()
    for path in doomed:
        if path.exists() or path.is_symlink():  # it may have gone with a folder around it
            _remove(path)
    _remove_apt_packages(record.apt_packages)
    record.forget()
    for path in own:
        if not _has_files(path):
            shutil.rmtree(path, ignore_errors=True)
    if data_dir.exists() and not any(data_dir.iterdir()):
        data_dir.rmdir()
    if kept := " and ".join(str(path) for path in own if path.exists()):
        say(f"What is your own stays in {kept}; --uninstall --purge removes it too.")
    say("EditGAN for GIMP is uninstalled.")
    return 0


def _palettes(paths: Sequence[Path]) -> list[Path]:
    """The colours of parts that the plug-in has put beside GIMP's plug-ins folder."""
    beside = [path.parents[1] / "palettes" for path in paths if path.parent.name == "plug-ins"]
    return [file for folder in beside for file in sorted(folder.glob("EditGAN-*.gpl"))]


def _has_files(path: Path) -> bool:
    return path.is_file() or any(inner.is_file() for inner in path.rglob("*"))


def _agreed(doomed: Sequence[Path], packages: Sequence[str]) -> bool:
    say("This will be removed:")
    for path in doomed:
        say(f"  {path}")
    if packages:
        say(f"  Debian packages {' '.join(packages)}")
    return input("Remove it? [y/N] ").strip().lower() in ("y", "yes")


def _remove(path: Path) -> None:
    say(f"  removing {path}")
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.name.removesuffix(".partial") == "gimp":
        remove_root(path)
    else:
        shutil.rmtree(path)


def _remove_apt_packages(packages: Sequence[str]) -> None:
    if not packages:
        return
    say(f"  removing Debian packages {' '.join(packages)}")
    # dpkg, not apt-get: it refuses where something else has come to need them.
    done = subprocess.run(["dpkg", "--remove", *packages], capture_output=True, text=True)
    if done.returncode:
        say(f"  not all of them: {done.stderr.strip().splitlines()[-1:]}")
