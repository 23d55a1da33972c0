"""Which build of torch a machine gets, and getting it: CUDA's where there is an NVIDIA card.

Elsewhere the CPU's, which saves three gigabytes: on Linux PyTorch's own index has it; where that
cannot be reached, PyPI's build does, with placeholders for CUDA's libraries.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from installer import placeholders
from installer.console import InstallError, say

if TYPE_CHECKING:
    from installer.environment import Environment

Build = Literal["cpu", "cuda"]

HERE = Path(__file__).resolve().parent
PINS = HERE / "requirements"
PYTORCH_INDEX = "https://download.pytorch.org/whl"
_STAMP = "editgan-torch.txt"
# `python3 -m installer.sizes` measures them: megabytes to download, and on disk when installed.
SIZES: dict[Build, tuple[int, int]] = {"cpu": (701, 1643), "cuda": (2879, 5181)}
_MEGABYTES_PER_S = 10.0  # of a connection that one may have
# The networks' kinds of work; where the build is unsound, one of these fails.
_TRIAL = """
import torch, torchvision
torch.nn.functional.conv2d(torch.ones(1, 3, 8, 8), torch.ones(3, 3, 3, 3))
torch.linalg.lstsq(torch.eye(3), torch.eye(3))
torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
"""


def graphics_card() -> str | None:
    """How an NVIDIA card was noticed, None where there is none."""
    if program := _nvidia_smi():
        told = subprocess.run([program, "-L"], capture_output=True, text=True, check=False)
        for line in told.stdout.splitlines():
            if line.startswith("GPU "):
                return line.removeprefix("GPU ").split(": ", 1)[-1].split(" (UUID")[0]
    for file in (Path("/proc/driver/nvidia/version"), Path("/dev/nvidia0")):
        if file.exists():
            return str(file)
    return None


def choose(environment: Environment, asked: Build | None) -> Build:
    """The build to have: what was asked for, else CUDA's if there is a card or it is there already.

    A card may be away for a day; an environment is never made smaller without being asked.
    """
    if asked is None:
        card = graphics_card()
        say(f"  graphics card: {card or 'no NVIDIA card'}")
        return "cuda" if card or installed(environment) == "cuda" else "cpu"
    if asked == "cuda" and platform.system() == "Darwin":
        raise InstallError("There is no CUDA on a Mac; run install.py without --cuda.")
    return asked


def installed(environment: Environment) -> Build | None:
    """The build that is there."""
    have = environment.versions(["torch", "nvidia-cublas"])
    if have["torch"] is None:
        return None
    return "cuda" if have["nvidia-cublas"] or "+cu" in have["torch"] else "cpu"


def announce(build: Build) -> None:
    """Say beforehand how much there is to download."""
    download, disk = SIZES[build]
    minutes = max(1.0, download / _MEGABYTES_PER_S / 60)
    say(
        f"  packages for {build.upper()}: {download / 1000:.1f} GB to download, about "
        f"{minutes:.0f} min at {_MEGABYTES_PER_S:.0f} MB/s; {disk / 1000:.1f} GB on disk"
    )


def ensure(environment: Environment, build: Build, index: str | None = None) -> None:
    """Install torch and torchvision in that build, unless they are there.

    index: another package index to take both from. Raises InstallError.
    """
    stamp = environment.folder / _STAMP
    wanted = f"{build} {index or ''}\n" + _pins("torch") + _pins("cuda")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    stamp.unlink(missing_ok=True)
    before = installed(environment)
    if before and before != build:
        environment.stop_backend()  # it may hold the files that are replaced
    if index:
        _from_index(environment, index, "")
    elif platform.system() == "Linux":
        _on_linux(environment, build, before)
    elif build == "cuda":
        _from_index(environment, f"{PYTORCH_INDEX}/cu130", "+cu130")
    else:
        _from_pypi(environment)
    stamp.write_text(wanted, encoding="utf-8")


def _on_linux(environment: Environment, build: Build, before: Build | None) -> None:
    if build == "cuda":
        _from_pypi(environment)
        environment.pip_install("cuda", "CUDA's libraries")
        return
    if before == "cuda":
        names = [line.split("==")[0] for line in _pins("cuda").splitlines() if "==" in line]
        environment.pip(["uninstall", "--yes", *names], "CUDA's libraries: removing")
    if _reachable(f"{PYTORCH_INDEX}/cpu/torch/"):
        try:
            _from_index(environment, f"{PYTORCH_INDEX}/cpu", "+cpu")
            return
        except InstallError as error:
            say(f"  PyTorch's own index does not do ({str(error).splitlines()[0]}); taking PyPI's")
    _from_pypi(environment)
    try:
        for folder in _library_folders(environment):
            placeholders.make(folder)
        _try(environment)
    except (OSError, ValueError, KeyError, InstallError) as error:
        say(f"  torch does not run without CUDA's libraries ({error}); getting them")
        _remove_placeholders(environment)
        environment.pip_install("cuda", "CUDA's libraries")


def _from_pypi(environment: Environment) -> None:
    """The build that PyPI has, checked by its hash."""
    _remove_placeholders(environment)
    version = environment.versions(["torch"])["torch"] or ""
    again = ["--force-reinstall"] if "+" in version else []  # pip takes 2.11.0+cpu for 2.11.0
    environment.pip_install("torch", "torch", again)


def _from_index(environment: Environment, index: str, build: str) -> None:
    """A build from PyTorch's own index or the user's, checked by the hash which that tells."""
    _remove_placeholders(environment)
    exact = [line.split(" ")[0] + build for line in _pins("torch").splitlines() if "==" in line]
    flags = ["--no-deps", "--only-binary=:all:", "--index-url", index]
    if installed(environment):
        flags.append("--force-reinstall")  # another build of the same version
    environment.pip(["install", *flags, *exact], f"torch from {index}")
    _try(environment)


def _try(environment: Environment) -> None:
    complaint = environment.complaint(_TRIAL)
    if complaint is not None:
        raise InstallError(f"torch was installed and does not run: {complaint}")


def _reachable(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - https, above
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _remove_placeholders(environment: Environment) -> None:
    for folder in _library_folders(environment):
        placeholders.remove(folder)


def _library_folders(environment: Environment) -> Iterator[Path]:
    return environment.folder.glob("lib/python3*/site-packages/torch/lib")


def _nvidia_smi() -> str | None:
    found = shutil.which("nvidia-smi")
    elsewhere = [Path("/usr/lib/wsl/lib/nvidia-smi")]
    if system := os.environ.get("SYSTEMROOT"):
        elsewhere.append(Path(system) / "System32/nvidia-smi.exe")
    return found or next((str(path) for path in elsewhere if path.is_file()), None)


def _pins(name: str) -> str:
    return (PINS / f"{name}.txt").read_text(encoding="utf-8")
