"""A private GIMP 3 for Debian-like machines that have none.

mmdebstrap unpacks Debian's own packages of the release that carries GIMP 3 into one folder,
which is then entered with a private mount namespace (installer/enter.py). Nothing of the machine's
own system changes, except that mmdebstrap itself is installed when it is missing.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from installer.console import InstallError, run, say
from installer.enter import mounts
from installer.record import Record, write_atomically

SUITE = "trixie"  # Debian 13: GIMP 3.0 on Python 3.13
PACKAGES = ("gimp", "xvfb", "xdotool", "openbox", "fonts-dejavu-core", "locales")
# Never needed without a graphics card, and a third of the size.
LEFT_OUT = (
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/lib/*/libLLVM*",
    "/usr/lib/*/libgallium*",
    "/usr/lib/*/libz3*",
)
# Of the translations that are left out above: GIMP's own and GTK's.
KEPT = tuple(f"/usr/share/locale/*/LC_MESSAGES/{name}*.mo" for name in ("gimp", "gtk30"))


def can_build() -> bool:
    """Whether this machine can make a private GIMP: Linux, apt-get, root."""
    return platform.system() == "Linux" and bool(shutil.which("apt-get")) and os.geteuid() == 0


def is_built(data_dir: Path) -> bool:
    """Whether the private GIMP is there, whole (a build in progress has another name)."""
    return (data_dir / "gimp/usr/bin/gimp").exists()


def build(data_dir: Path, record: Record) -> Path:
    """Make the private GIMP in `data_dir`/gimp unless it is there; returns its root folder.

    An interrupted build leaves only a `.partial` folder, which the next build replaces.
    """
    root = record.add_path(data_dir / "gimp")
    if is_built(data_dir):
        return root
    log = data_dir / "logs/install.log"
    _need_tools(record, log)
    partial = record.add_path(data_dir / "gimp.partial")
    remove_root(partial)
    remove_root(root)
    say("GIMP 3 is not on this machine: building a private one (about 200 MB to download)")
    run(_mmdebstrap(partial), "private GIMP 3", log)
    partial.rename(root)
    return root


def complaint(data_dir: Path) -> str:
    """What the private GIMP says when it is started."""
    command = [str(data_dir / "bin/gimp-console"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
    return (said.stderr.strip() or said.stdout.strip() or "no answer").splitlines()[-1]


def write_commands(data_dir: Path, python: Path, record: Record) -> None:
    """Make `data_dir`/bin/gimp and gimp-console, which run the private GIMP."""
    folder = record.add_path(data_dir / "bin")
    record.add_path(data_dir / "gimp-profile")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("enter.py"), folder / "enter.py")
    for name in ("gimp", "gimp-console"):
        script = folder / name
        words = shlex.join([str(python), "-I", str(folder / "enter.py"), name])
        home = shlex.quote(str(data_dir))
        write_atomically(script, f'#!/bin/sh\nEDITGAN_HOME={home} exec {words} "$@"\n')
        script.chmod(0o755)


def remove_root(root: Path) -> None:
    """Delete a root folder, refusing if anything is mounted in it (that would be deleted too)."""
    if not root.exists():
        return
    if any(place.is_relative_to(root.resolve()) for place in mounts()):
        raise InstallError(f"Something is mounted inside {root}; unmount it and run this again.")
    shutil.rmtree(root)


def _need_tools(record: Record, log: Path) -> None:
    providers = {"mmdebstrap": "mmdebstrap", "unshare": "util-linux"}
    if missing := [package for tool, package in providers.items() if not shutil.which(tool)]:
        apt_install(missing, record, log)


def apt_install(packages: list[str], record: Record, log: Path) -> None:
    """Install Debian packages on the machine, as root, and record all that come with them."""
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages]
    run(["apt-get", "update", "-q"], "list of Debian packages", log, env=env)
    plan = subprocess.run(
        [*install, "--simulate"], capture_output=True, text=True, env={**os.environ, **env}
    )
    # "Inst name (new version ...": new here; "Inst name [old version] (...": an upgrade
    record.add_apt_packages(re.findall(r"(?m)^Inst (\S+) \(", plan.stdout))
    run(install, f"Debian packages {' '.join(packages)}", log, env=env)


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
        *(f"--dpkgopt=path-include={pattern}" for pattern in KEPT),
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
