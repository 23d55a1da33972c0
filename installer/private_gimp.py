"""A private GIMP 3 for Debian-like machines that have none.

mmdebstrap unpacks Debian's own packages of the release that carries GIMP 3 into one folder,
which is then entered with a private mount namespace (installer/enter.py). Nothing of the machine's
own system changes, except that mmdebstrap itself is installed when it is missing.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path

from installer.console import InstallError, run, say

SUITE = "trixie"  # Debian 13: GIMP 3.0 on Python 3.13
PACKAGES = ("gimp", "xvfb", "xdotool", "openbox", "fonts-dejavu-core")
# Never needed without a graphics card, and a third of the size.
LEFT_OUT = (
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/lib/*/libLLVM*",
    "/usr/lib/*/libgallium*",
    "/usr/lib/*/libz3*",
)


def can_build() -> bool:
    """Whether this machine can make a private GIMP: Linux, apt-get, root."""
    return platform.system() == "Linux" and bool(shutil.which("apt-get")) and os.geteuid() == 0


def build(data_dir: Path) -> Path:
    """Make the private GIMP in `data_dir`/gimp unless it is there; returns its root folder.

    An interrupted build leaves only a `.partial` folder, which the next build replaces.
    """
    root = data_dir / "gimp"
    if (root / "usr/bin/gimp").exists():
        return root
    log = data_dir / "logs/install.log"
    _need_tools(log)
    partial = data_dir / "gimp.partial"
    remove_root(partial)
    remove_root(root)
    data_dir.mkdir(parents=True, exist_ok=True)
    say("GIMP 3 is not on this machine: building a private one (about 200 MB to download)")
    run(_mmdebstrap(partial), "private GIMP 3", log)
    partial.rename(root)
    return root


def remove_root(root: Path) -> None:
    """Delete a root folder, refusing if anything is mounted in it (that would be deleted too)."""
    if not root.exists():
        return
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    inside = f"{root.resolve()}/"
    if any(line.split()[1].startswith(inside) for line in mounts.splitlines()):
        raise InstallError(f"Something is mounted inside {root}; unmount it and run this again.")
    shutil.rmtree(root)


def _need_tools(log: Path) -> None:
    tools = [tool for tool in ("mmdebstrap", "unshare") if not shutil.which(tool)]
    if not tools:
        return
    packages = ["mmdebstrap" if tool == "mmdebstrap" else "util-linux" for tool in tools]
    apt_install(packages, log)


def apt_install(packages: list[str], log: Path) -> None:
    """Install Debian packages on the machine itself; only ever called as root."""
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], "list of Debian packages", log, env=env)
    run(
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
        f"Debian packages {' '.join(packages)}",
        log,
        env=env,
    )


def _mmdebstrap(target: Path) -> list[str]:
    """The command that builds the root.

    The security update of the release has its own suite; the demo needs no network once built,
    so the main one is enough. Old snapshots of a mirror are accepted past their date.
    """
    mirror = debian_mirror()
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=essential",
        "--components=main",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        f"--include={','.join(PACKAGES)}",
        SUITE,
        str(target),
        f"deb {mirror} {SUITE} main",
    ]


def debian_mirror(etc: Path = Path("/etc/apt")) -> str:
    """The Debian mirror this machine is set up with; InstallError when it has none."""
    for sources in sorted(etc.glob("sources.list.d/*.sources")):
        for found in re.finditer(r"(?m)^URIs:\s*(\S+)", sources.read_text(encoding="utf-8")):
            if found[1].rstrip("/").endswith("/debian"):
                return found[1]
    for sources in [etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))]:
        text = sources.read_text(encoding="utf-8") if sources.exists() else ""
        for found in re.finditer(r"(?m)^deb\s+(?:\[[^\]]*\]\s+)?(\S+)", text):
            if found[1].rstrip("/").endswith("/debian"):
                return found[1]
    raise InstallError(
        "This machine's apt has no Debian mirror to take GIMP 3 from; install GIMP 3 (package or "
        "Flatpak) and run this again."
    )
