"""The service at which sandboxed GIMPs knock (protocol.waiting): put up, and taken down.

Where systemd runs for the user it is a unit of that, else the desktop starts it at log-in.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from pathlib import Path

from installer.console import say
from installer.environment import Environment
from installer.record import Record, write_atomically
from protocol import processes

NAME = "editgan-waiting"
# The program is a shell's argument: systemd starts none whose own name has signs such as ', and
# GLib looks for one before it reads %% as %.
_UNIT = """[Unit]
Description=Starts EditGAN when GIMP asks for it

[Service]
ExecStart=/bin/sh {program}
Restart=on-failure

[Install]
WantedBy=default.target
"""
_AUTOSTART = """[Desktop Entry]
Type=Application
Name=EditGAN for GIMP
Comment=Starts EditGAN when GIMP asks for it
Exec=/bin/sh {program}
NoDisplay=true
X-GNOME-Autostart-enabled=true
"""


def install(environment: Environment, record: Record, socket: Path) -> None:
    """Let the service wait at `socket`, now and after every log-in."""
    stop()
    program = _write_program(environment, record, socket)
    if systemd_runs():
        _write(record, unit_file(), unit(program))
        systemctl("daemon-reload")
        systemctl("enable", "--now", unit_file().name)
    else:
        _write(record, autostart_file(), autostart_entry(program))
        socket.unlink(missing_ok=True)  # an older service then ends
        started = subprocess.Popen(
            [str(program)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **processes.detached(),
        )
        threading.Thread(target=started.wait, daemon=True).start()  # it outlives this program
    how = "systemd" if systemd_runs() else "the desktop's autostart"
    say(f"  a service waits for GIMP at {socket} (started by {how}, without torch)")


def stop() -> None:
    """End the service that systemd runs; another one ends when its socket is removed."""
    if unit_file().exists() and systemd_runs():
        systemctl("disable", "--now", unit_file().name)


def systemd_runs() -> bool:
    """Whether systemd looks after this user's services."""
    return systemctl("show-environment")


def systemctl(*words: str) -> bool:
    """Whether `systemctl --user` could do it."""
    try:
        command = ["systemctl", "--user", *words]
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def unit_file() -> Path:
    return _config() / "systemd/user" / f"{NAME}.service"


def autostart_file() -> Path:
    return _config() / "autostart" / f"{NAME}.desktop"


def unit(program: Path) -> str:
    """What has systemd run the program for a user."""
    return _UNIT.format(program=_for_systemd(program))


def autostart_entry(program: Path) -> str:
    """What starts the program at log-in, on desktops of all kinds."""
    return _AUTOSTART.format(program=_for_desktop(program))


def _config() -> Path:
    place = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return place if place.is_absolute() else Path.home() / ".config"


def _write_program(environment: Environment, record: Record, socket: Path) -> Path:
    """One program without arguments: units and desktop entries quote in ways of their own."""
    folder = record.add_path(environment.folder.parent / "bin")
    home = shlex.quote(str(environment.folder.parent))
    words = [str(environment.python), "-I", "-m", "protocol.waiting", str(socket)]
    program = folder / NAME
    text = f"#!/bin/sh\nEDITGAN_HOME={home} exec {shlex.join(words)}\n"
    write_atomically(program, text)
    program.chmod(0o755)
    return program


def _write(record: Record, file: Path, text: str) -> None:
    write_atomically(record.add_path(file), text)


def _for_systemd(program: Path) -> str:
    text = str(program).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("%", "%%").replace("$", "$$") + '"'


def _for_desktop(program: Path) -> str:
    """Quoted as the Desktop Entry Specification says: once for Exec, once more for the string."""
    text = str(program)
    for sign in ("\\", '"', "`", "$"):
        text = text.replace(sign, f"\\{sign}")
    return '"' + text.replace("\\", "\\\\").replace("%", "%%") + '"'
