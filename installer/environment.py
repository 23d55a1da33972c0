"""The private virtual environment: made once, brought up to date when its pins change."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from installer.console import InstallError, run
from installer.private_gimp import apt_install, can_build
from installer.record import Record

OLDEST, NEWEST = (3, 11), (3, 14)  # the Pythons that torch 2.11 has wheels for
HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
# What an installed copy of the project is made of.
_SOURCES = ("pyproject.toml", "LICENSE", "protocol", "backend", "edit_library")


def check_python() -> None:
    """Raise InstallError where this Python cannot run the backend."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        raise InstallError(
            f"This is Python {version[0]}.{version[1]}; EditGAN needs Python 3.{OLDEST[1]} to "
            f"3.{NEWEST[1]}: run install.py with one of these."
        )


class Environment:
    """The virtual environment in `data_dir`/venv."""

    def __init__(self, data_dir: Path, record: Record) -> None:
        self.folder = data_dir / "venv"
        self.record = record
        self.log = data_dir / "logs/install.log"
        scripts = self.folder / ("Scripts" if os.name == "nt" else "bin")
        suffix = ".exe" if os.name == "nt" else ""
        self.python = scripts / f"python{suffix}"
        self.editgan = scripts / f"editgan{suffix}"

    def ensure(self, *, tests: bool = False, torch_index: str | None = None) -> None:
        """Make the environment with the pinned packages unless it is there and up to date.

        tests: also what the tests need. torch_index: another package index to look in, for builds
        of torch that the usual one does not have.
        """
        self._ensure_venv()
        index = ["--extra-index-url", torch_index] if torch_index else []
        # torch's build for another machine has the same version, so an index is part of the stamp.
        self._ensure_packages("requirements.txt", index, "packages (torch is large)")
        self._ensure_packages("requirements-no-deps.txt", ["--no-deps"], "packages without pins")
        if tests:
            self._ensure_packages("requirements-test.txt", ["--no-deps"], "test packages")
            self._ensure_packages("requirements-evaluation.txt", ["--no-deps"], "evaluation")

    def ensure_project(self) -> None:
        """Install this checkout's code, so that the checkout may be deleted."""
        wanted = digest(PROJECT, _SOURCES)
        stamp = self.folder / "editgan-project.sha256"
        if _reads(stamp, wanted) and self.editgan.exists():
            return
        stamp.unlink(missing_ok=True)
        # From a copy: building in place would leave build folders in the checkout.
        copy = self.folder / "source.partial"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for name in _SOURCES:
            _copy(PROJECT / name, copy / name)
        flags = ["--no-deps", "--no-build-isolation", "--force-reinstall"]
        self.stop_backend()
        self._pip([*flags, str(copy)], "EditGAN itself")
        shutil.rmtree(copy)
        stamp.write_text(wanted, encoding="utf-8")

    def stop_backend(self) -> None:
        """End a running backend, which is of an older copy, and wait for its end."""
        if self.python.exists():
            command = [str(self.python), "-I", str(HERE / "stop_backend.py")]
            subprocess.run(command, check=False, capture_output=True, timeout=60)

    def packages_for(self, target: Path, requirements: str, python: str, platform: str) -> None:
        """Put wheels for another Python (GIMP's) into the folder `target`.

        python: "3.13"; platform: its sysconfig.get_platform(), for the error message only, since
        GIMP runs on this machine. Raises InstallError when no wheel fits.
        """
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        arguments = ["--target", str(partial), "--python-version", python, "--only-binary=:all:"]
        title = f"packages for GIMP's Python {python} ({platform})"
        self._pip(["--no-deps", *arguments, "-r", str(HERE / requirements)], title)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)

    def versions(self, packages: Sequence[str]) -> dict[str, str | None]:
        """The installed versions of "python" and of packages; None for what is not installed."""
        code = (
            "import importlib.metadata as m, json, platform, sys; "
            "have = {d.name: d.version for d in m.distributions()}; "
            "have['python'] = platform.python_version(); "
            "print(json.dumps({name: have.get(name) for name in sys.argv[1:]}))"
        )
        names = ["python", *packages]
        try:
            command = [str(self.python), "-I", "-c", code, *names]
            answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return dict.fromkeys(names)
        return dict(json.loads(answer))

    def _ensure_venv(self) -> None:
        self.record.add_path(self.folder)
        if self.python.exists() and self._answers("import pip"):
            return
        check_python()
        if importlib.util.find_spec("ensurepip") is None:
            if not can_build():
                raise InstallError(
                    "This Python cannot make virtual environments; install your system's package "
                    "for that (Debian and Ubuntu: python3-venv) and run this again."
                )
            apt_install(["python3-venv"], self.record, self.log)
        shutil.rmtree(self.folder, ignore_errors=True)
        title = "private environment"
        run([sys.executable, "-m", "venv", str(self.folder)], title, self.log)

    def _answers(self, code: str) -> bool:
        """Whether the environment's Python runs `code` (False for a half-made environment)."""
        try:
            command = [str(self.python), "-I", "-c", code]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    def _ensure_packages(self, requirements: str, flags: list[str], title: str) -> None:
        wanted = (HERE / requirements).read_text(encoding="utf-8") + f"# {flags}\n"
        stamp = self.folder / f"editgan-{requirements}"
        if _reads(stamp, wanted):
            return
        stamp.unlink(missing_ok=True)
        self._pip([*flags, "-r", str(HERE / requirements)], title)
        stamp.write_text(wanted, encoding="utf-8")

    def _pip(self, arguments: list[str], title: str) -> None:
        command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check"]
        run([*command, "--no-input", *arguments], title, self.log)


def digest(folder: Path, names: tuple[str, ...]) -> str:
    """SHA-256 over the names and contents of files and folders in `folder`, caches left out."""
    sha = hashlib.sha256()
    for name in names:
        path = folder / name
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                sha.update(f"{file.relative_to(folder).as_posix()}\0".encode())
                sha.update(hashlib.sha256(file.read_bytes()).digest())
    return sha.hexdigest()


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.partial"))
    else:
        shutil.copy2(source, target)


def _reads(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text
