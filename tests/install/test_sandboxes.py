"""Flatpak, Snap and AppImage GIMPs: found, their permissions read, and the service put up.

`flatpak`, `snap` and `systemctl` are imitated by programs on the path; the sandbox itself is in
tests/server/test_sandbox.py.
"""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from installer import find_gimp, options, sandboxes, service, steps
from installer.console import InstallError
from installer.environment import Environment
from installer.find_gimp import Gimp
from installer.record import Record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="they are of Linux")


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home folder, and a path with nothing on it but a shell's programs and `bin`."""
    folder = tmp_path / "ann"
    (folder / "bin").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/bin")
    return folder


def program(user: Path, name: str, script: str) -> None:
    file = user / "bin" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def a_gimp(user: Path, kind: str) -> Gimp:
    return Gimp(
        kind=kind,
        command=(kind, "run"),
        version="3.0.4",
        directory=str(user / ".config/GIMP/3.0"),
        python="3.12",
        cache_tag="cpython-312",
        platform="linux-x86_64",
        plug_in_path="",
    )


def flatpak(user: Path, filesystems: str, override: str = "") -> None:
    context = "[Context]\\nshared=network;ipc;\\nsockets=x11;\\nfilesystems="
    said = {"info": f"{context}{filesystems}\\n", "override": f"{context}{override}\\n"}
    lines = [f"{word}) printf '{text}' ;;" for word, text in said.items()]
    program(user, "flatpak", f"case $1 in\n{chr(10).join(lines)}\nesac")


@pytest.mark.parametrize(
    ("filesystems", "override", "enough"),
    [
        ("xdg-config/GIMP;/tmp;xdg-run/gvfs;", "", True),
        ("host;", "", True),
        ("home:ro;", "", False),
        ("xdg-config/GIMP:create;", "", True),
        ("xdg-pictures;/run;", "", False),
        ("xdg-pictures;", "xdg-config/GIMP;", True),
        ("host;", "!host;", False),
        ("", "", False),
    ],
)
def test_a_flatpak_s_permissions(user: Path, filesystems: str, override: str, enough: bool) -> None:
    flatpak(user, filesystems, override)
    gimp = a_gimp(user, "flatpak")
    folder = sandboxes.granted_folder(gimp)
    assert folder == user / ".config/GIMP/editgan"
    said = sandboxes.missing_permission(gimp, folder)
    assert (said is None) == enough
    assert enough or "flatpak override --user --filesystem=xdg-config/GIMP" in str(said)


def test_a_flatpak_that_says_nothing_is_not_held_up(user: Path) -> None:
    program(user, "flatpak", "exit 1")
    gimp = a_gimp(user, "flatpak")
    assert sandboxes.missing_permission(gimp, user / "x") is None


def test_a_snap_has_a_folder_of_its_own_and_others_need_none(user: Path) -> None:
    assert sandboxes.granted_folder(a_gimp(user, "snap")) == user / "snap/gimp/common/editgan"
    assert sandboxes.missing_permission(a_gimp(user, "snap"), user / "snap") is None
    for kind in ("native", "appimage", "private"):
        assert sandboxes.granted_folder(a_gimp(user, kind)) is None


def test_each_kind_is_found_and_one_can_be_chosen(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("flatpak", "snap", "gimp-console-3.0"):
        program(user, name, "")
    (user / "Downloads").mkdir()
    for name, mode in (("GIMP-3.0.4-x86_64.AppImage", 0o755), ("GIMP-3.2.AppImage", 0o644)):
        (user / "Downloads" / name).touch()
        (user / "Downloads" / name).chmod(mode)
    found = list(find_gimp.candidates("linux"))
    kinds = list(dict.fromkeys(kind for kind, _ in found))
    assert kinds == ["native", "appimage", "flatpak", "snap"] == list(options.KINDS)
    images = [Path(command[0]).name for kind, command in found if kind == "appimage"]
    assert images == ["GIMP-3.0.4-x86_64.AppImage"], "the other may not be run"
    monkeypatch.setattr(find_gimp, "ask", lambda kind, command: a_gimp(user, kind))
    assert [find_gimp.find(kind).kind for kind in (None, "snap")] == [  # type: ignore[union-attr]
        "native",
        "snap",
    ]


@pytest.fixture
def environment(home: Path) -> Environment:
    """One whose Python is this one, so that the service runs."""
    made = Environment(home, Record(home))
    checkout = Path(__file__).resolve().parents[2]
    python = home / "it's a $python"
    code = f"import sys; sys.path.insert(0, {str(checkout)!r}); sys.argv.pop(1); "
    code += "from protocol.waiting import main; sys.exit(main())"
    python.write_text(
        f'#!/bin/sh\n[ "$1 $2 $3" = "-I -m protocol.waiting" ] || exit 9\nshift 2\n'
        f'exec {shlex.quote(sys.executable)} -I -c {shlex.quote(code)} "$@"\n'
    )
    python.chmod(0o755)
    made.python = python
    return made


def test_with_systemd_it_is_a_unit(
    user: Path, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    program(user, "systemctl", f'echo "$@" >> "{user}/said"')
    service.install(environment, environment.record, user / "granted/backend.sock")
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(service.unit_file())
    started = shlex.split(unit["Service"]["ExecStart"])
    assert started == ["/bin/sh", str(environment.folder.parent / "bin/editgan-waiting")]
    assert "--user enable --now editgan-waiting.service" in (user / "said").read_text()
    assert not service.autostart_file().exists()
    service.stop()
    assert "--user disable --now editgan-waiting.service" in (user / "said").read_text()
    assert service.unit_file() in environment.record.paths
    assert "systemd" in capsys.readouterr().out


@pytest.mark.parametrize("systemctl", ["", "exit 1"])
def test_without_systemd_the_desktop_starts_it_and_so_do_we(
    user: Path, environment: Environment, systemctl: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if systemctl:
        program(user, "systemctl", systemctl)
    else:
        (user / "bin/sh").symlink_to("/bin/sh")
    socket = user / "granted/backend.sock"
    service.install(environment, environment.record, socket)
    deadline = time.monotonic() + 60
    while not socket.exists():
        assert time.monotonic() < deadline, "it waits at its socket"
        time.sleep(0.05)
    assert not service.unit_file().exists()
    socket.unlink()  # it ends at that
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(service.autostart_file())
    assert "editgan-waiting" in entry["Desktop Entry"]["exec"]


NAMES = ("plain", "with space", "it's", 'quote" $HOME `x` 100%', "back\\slash")


@pytest.mark.parametrize("name", NAMES)
def test_a_desktop_starts_it_at_log_in(tmp_path: Path, name: str) -> None:
    """Read by GLib, which is what GNOME, Xfce, MATE and others start entries with."""
    if shutil.which("gio") is None:
        pytest.skip("there is no gio (Debian: apt-get install libglib2.0-bin)")
    program = tmp_path / name
    program.write_text('#!/bin/sh\ntouch "$0.started"\n', encoding="utf-8")
    program.chmod(0o755)
    entry = tmp_path / "editgan-waiting.desktop"
    entry.write_text(service.autostart_entry(program), encoding="utf-8")
    subprocess.run(["gio", "launch", entry], check=True, timeout=60)
    deadline = time.monotonic() + 60
    while not (tmp_path / f"{name}.started").exists():
        assert time.monotonic() < deadline, "the entry starts the program"
        time.sleep(0.05)
    if shutil.which("desktop-file-validate"):
        subprocess.run(["desktop-file-validate", entry], check=True, timeout=60)


@pytest.mark.parametrize("name", NAMES)
def test_systemd_finds_nothing_wrong_with_the_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    (tmp_path / name).touch(0o755)
    unit = tmp_path / "editgan-waiting.service"
    unit.write_text(service.unit(tmp_path / name), encoding="utf-8")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    words = ["systemd-analyze", "--user", "verify", str(unit)]
    said = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("name", NAMES)
def test_names_are_quoted_as_each_file_wants_it(tmp_path: Path, name: str) -> None:
    made = service._for_systemd(tmp_path / name)
    assert made.count('"') - made.count('\\"') == 2
    said = service._for_desktop(tmp_path / name)
    # once as a string of the file, once by the shell-like rules of Exec
    value = said.replace("%%", "%").replace("\\\\", "\\")
    echoed = subprocess.run(["sh", "-c", f"printf %s {value}"], capture_output=True, text=True)
    assert echoed.stdout == str(tmp_path / name)


def test_installing_into_a_sandbox_tells_the_plug_in_where_to_knock(
    user: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    flatpak(user, "xdg-pictures;")
    gimp = a_gimp(user, "flatpak")
    folder = user / ".config/GIMP/editgan"
    record = environment.record
    with pytest.raises(InstallError, match="flatpak override"):
        steps._put_up_service(environment, gimp, record, folder)
    flatpak(user, "xdg-config/GIMP;")
    monkeypatch.setattr(service, "install", lambda *_: None)
    told = steps._put_up_service(environment, gimp, record, folder)
    assert told == {"data_dir": str(folder), "socket": str(folder / "backend.sock")}
    assert folder in record.paths, "--uninstall removes it, and the service ends"
