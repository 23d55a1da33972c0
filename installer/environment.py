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

from installer import own_wheel, torch_build, windows
from installer.console import InstallError, run
from installer.private_gimp import apt_install, can_build
from installer.record import Record
from installer.torch_build import PINS, Build

OLDEST, NEWEST = (3, 11), (3, 14)  # the Pythons that torch 2.11 has wheels for
HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
# What an installed copy of the project is made of.
SOURCES = (
    "pyproject.toml",
    "LICENSE",
    "README.md",
    "protocol",
    "backend",
    "edit_library",
    "installer",
    "gimp_plugin",
)


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

    def ensure(
        self, *, tests: bool = False, build: Build | None = None, torch_index: str | None = None
    ) -> None:
        """Make the environment with the pinned packages unless it is there and up to date.

        tests: also what the tests need. build: of torch, None where the machine decides.
        torch_index: another package index to take torch from.
        """
        self._ensure_venv()
        chosen = torch_build.choose(self, build)
        if torch_build.installed(self) != chosen:
            torch_build.announce(chosen)
        self._ensure_packages("backend", "packages")
        torch_build.ensure(self, chosen, torch_index)
        if tests:
            self._ensure_packages("test", "test packages")
            self._ensure_packages("evaluation", "evaluation")

    def ensure_project(self) -> None:
        """Install the code that this installer belongs to, in place of an older one.

        That is a checkout, which may then be deleted, or the package that pip installed.
        """
        from_source = (PROJECT / "pyproject.toml").is_file()
        wanted = digest(PROJECT, SOURCES) if from_source else own_wheel.digest()
        stamp = self.folder / "editgan-project.sha256"
        if _reads(stamp, wanted) and self.editgan.exists():
            return
        stamp.unlink(missing_ok=True)
        # From a copy: building in place would leave build folders in the checkout.
        copy = self.folder / "source.partial"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        package = _copied(copy) if from_source else own_wheel.make(copy)
        flags = ["--no-deps", "--no-build-isolation", "--force-reinstall"]
        self.stop_backend()
        self.pip(["install", *flags, str(package)], "EditGAN itself")
        shutil.rmtree(copy)
        stamp.write_text(wanted, encoding="utf-8")

    def stop_backend(self) -> None:
        """End a running backend, which is of an older copy, and wait for its end."""
        if self.python.exists():
            command = [str(self.python), "-I", str(HERE / "stop_backend.py")]
            subprocess.run(command, check=False, capture_output=True, timeout=60)

    def packages_for(self, target: Path, requirements: str, python: str, platform: str) -> None:
        """Put wheels for another Python (GIMP's) into the folder `target`.

        requirements: which pins. python: "3.13"; platform: its sysconfig.get_platform(), for the
        error message only, since GIMP runs on this machine. Raises InstallError when no wheel fits.
        """
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        arguments = ["--target", str(partial), "--python-version", python, "--only-binary=:all:"]
        title = f"packages for GIMP's Python {python} ({platform})"
        self.pip_install(requirements, title, arguments)
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
        windows.check_lengths(self.folder.parent)
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

    def pip_install(self, pins: str, title: str, flags: Sequence[str] = ()) -> None:
        """Install what a file of pins names, all of it and nothing else, checked by its hashes."""
        file = str(PINS / f"{pins}.txt")
        self.pip(["install", "--no-deps", "--require-hashes", *flags, "-r", file], title)

    def pip(self, arguments: Sequence[str], title: str) -> None:
        """Run the environment's pip; raises InstallError."""
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        run([*command, *arguments], title, self.log)

    def package(self, name: str) -> Path:
        """The folder of an installed package. Raises InstallError."""
        code = f"import {name}, sys; sys.stdout.write({name}.__path__[0])"
        command = [str(self.python), "-I", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InstallError(
                f"The environment has no {name}; delete {self.folder}, run it again."
            )
        return Path(done.stdout)

    def complaint(self, code: str) -> str | None:
        """The last line that `code` says in the environment's Python when it fails, else None."""
        command = [str(self.python), "-I", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return said[-1] if done.returncode else None

    def _ensure_packages(self, pins: str, title: str) -> None:
        wanted = (PINS / f"{pins}.txt").read_text(encoding="utf-8")
        stamp = self.folder / f"editgan-pins-{pins}.txt"
        if _reads(stamp, wanted):
            return
        stamp.unlink(missing_ok=True)
        self.pip_install(pins, title)
        stamp.write_text(wanted, encoding="utf-8")


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


def _copied(target: Path) -> Path:
    for name in SOURCES:
        _copy(PROJECT / name, target / name)
    return target


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.partial"))
    else:
        shutil.copy2(source, target)


def _reads(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text
