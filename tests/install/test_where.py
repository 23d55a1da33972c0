"""install.py --where, and everything else that must work before anything is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from installer.find_gimp import Gimp
from installer.record import Record

PROJECT = Path(__file__).resolve().parents[2]


def install_py(*arguments: str) -> subprocess.CompletedProcess[str]:
    # -S -E: nothing but the standard library, as on a machine with nothing installed
    command = [sys.executable, "-S", "-E", str(PROJECT / "install.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def test_before_anything_is_installed_all_is_null(home: Path) -> None:
    done = install_py("--where")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said.keys() == {"python", "editgan", "plugin_dirs", "data_dir", "gimp", "versions"}
    assert said["data_dir"] == str(home)
    assert said["plugin_dirs"] == []
    assert (said["python"], said["editgan"], said["gimp"]) == (None, None, None)
    assert set(said["versions"].values()) == {None}
    assert not list(home.iterdir()), "asking changes nothing"


def test_tells_what_the_installation_recorded(home: Path, tmp_path: Path) -> None:
    profile = tmp_path / "GIMP/3.0"
    gimp = Gimp(
        "native",
        ("/usr/bin/gimp-console-3.0",),
        "3.0.4",
        str(profile),
        "3.13",
        "cpython-313",
        "linux-x86_64",
        str(profile / "plug-ins"),
    )
    gimp.plugin_dir.mkdir(parents=True)
    Record(home).set_plugin(gimp)
    said = json.loads(install_py("--where").stdout)
    assert said["plugin_dirs"] == [str(profile / "plug-ins/editgan")]
    assert said["gimp"] == "/usr/bin/gimp-console-3.0"
    assert said["versions"]["gimp"] == "3.0.4"


def test_a_damaged_record_is_one_sentence(home: Path) -> None:
    (home / "install.json").write_text('{"format": 1, "paths"')
    done = install_py("--where")
    assert done.returncode == 1
    assert "install.json cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_arguments_are_refused(home: Path) -> None:
    done = install_py("--dmeo")
    assert done.returncode == 2
    assert "--dmeo" in done.stderr


def test_a_damaged_note_of_the_tests_is_no_gimp(home: Path) -> None:
    (home / "test").mkdir()
    (home / "test/gimp.json").write_text("{")
    done = install_py("--where")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["gimp"] is None


@pytest.mark.parametrize("option", [[], ["--where"], ["--uninstall"]])
def test_a_folder_that_cannot_be_is_said_in_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    (home / "file").write_text("not a folder")
    monkeypatch.setenv("EDITGAN_HOME", str(home / "file" / "data"))
    done = install_py(*option)
    assert "Traceback" not in done.stderr
    if not option:
        assert done.returncode == 1 and "Not a directory" in done.stderr
