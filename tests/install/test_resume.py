"""Running install.py again after an interruption goes on; what is there is not made again."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from installer import environment, plugin, steps, torch_build
from installer.console import InstallError, run
from installer.environment import Environment, digest
from installer.find_gimp import Gimp
from installer.private_gimp import debian_mirror
from installer.record import Record, write_atomically
from protocol import launch

GIMP = Gimp(
    kind="native",
    command=("gimp-console",),
    version="3.0.4",
    directory="/nowhere",
    python="3.13",
    cache_tag="cpython-313",
    platform="linux-x86_64",
    plug_in_path="",
)


@pytest.fixture
def made(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Environment, list[list[str]]]:
    """An environment whose venv is made of one file, and the arguments of every call of pip."""
    calls: list[list[str]] = []

    def pip(_: Environment, arguments: list[str], title: str) -> None:
        calls.append(list(arguments))
        if "--target" in arguments:
            Path(arguments[arguments.index("--target") + 1]).mkdir()

    def venv(self: Environment) -> None:
        if not self.python.exists():
            self.record.add_path(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)
            self.python.parent.mkdir(parents=True)
            self.python.touch()

    monkeypatch.setattr(Environment, "pip", pip)
    monkeypatch.setattr(Environment, "_ensure_venv", venv)
    monkeypatch.setattr(torch_build, "ensure", lambda *_: calls.append(["torch"]))
    return Environment(home, Record(home)), calls


def test_packages_are_installed_once(made: tuple[Environment, list[list[str]]]) -> None:
    made_environment, calls = made
    made_environment.ensure(tests=True)
    files = [Path(arguments[-1]).name for arguments in calls]
    assert files == ["backend.txt", "torch", "test.txt", "evaluation.txt"]
    assert all("--require-hashes" in arguments for arguments in calls if len(arguments) > 1)
    made_environment.ensure(tests=True)
    assert [Path(arguments[-1]).name for arguments in calls[4:]] == ["torch"]
    assert made_environment.folder in Record(made_environment.folder.parent).paths


def test_an_interrupted_step_is_done_again(
    made: tuple[Environment, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_environment, calls = made

    def interrupted(_: Environment, arguments: list[str], title: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Environment, "pip", interrupted)
        with pytest.raises(KeyboardInterrupt):
            made_environment.ensure()
    made_environment.ensure()
    assert [Path(arguments[-1]).name for arguments in calls] == ["backend.txt", "torch"]


def test_a_half_made_environment_is_made_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environment, "pip", lambda *_: None)
    monkeypatch.setattr(torch_build, "ensure", lambda *_: None)
    half = Environment(home, Record(home))
    half.python.parent.mkdir(parents=True)
    half.python.write_text("interrupted")
    half.ensure()
    assert half.versions(["pip"])["pip"]


def test_packages_for_gimp_replace_a_partial_folder(
    made: tuple[Environment, list[list[str]]], home: Path
) -> None:
    made_environment, calls = made
    (home / "vendor/cpython-313-linux-x86_64.partial/half").mkdir(parents=True)
    folder = plugin.ensure_vendor(made_environment, GIMP, home / "vendor")
    assert folder == home / "vendor/cpython-313-linux-x86_64"
    assert not (folder / "half").exists()
    plugin.ensure_vendor(made_environment, GIMP, home / "vendor")
    assert len(calls) == 1


def test_the_plug_in_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "plug-ins/editgan"
    vendor = tmp_path / "cpython-313-linux-x86_64"
    (vendor / "zmq").mkdir(parents=True)
    target.mkdir(parents=True)
    (target / "old_module.py").write_text("")
    plugin.install_plugin(target, vendor, {"data_dir": "/data"})
    assert not (target / "old_module.py").exists()
    assert (target / "editgan.py").stat().st_mode & 0o111
    assert (target / "protocol/messages/photos.py").exists()
    assert (target / "vendor/cpython-313-linux-x86_64/zmq").is_dir()
    assert json.loads((target / plugin.SETTINGS).read_text()) == {"data_dir": "/data"}
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")] == []


def test_the_project_s_digest_follows_contents_and_names(tmp_path: Path) -> None:
    def seen() -> str:
        return digest(tmp_path, ("a", "b.txt"))

    (tmp_path / "a").mkdir()
    (tmp_path / "b.txt").write_text("b")
    first = seen()
    (tmp_path / "a/__pycache__").mkdir()
    (tmp_path / "a/__pycache__/x.pyc").write_text("cache")
    assert seen() == first
    (tmp_path / "a/x.py").write_text("1")
    second = seen()
    (tmp_path / "a/x.py").rename(tmp_path / "a/y.py")
    assert len({first, second, seen()}) == 3


def test_a_failing_command_is_quoted(tmp_path: Path) -> None:
    code = "print('no space left'); raise SystemExit(3)"
    with pytest.raises(InstallError, match="exit code 3") as caught:
        run([sys.executable, "-c", code], "copying", tmp_path / "log")
    assert "no space left" in str(caught.value)
    assert "no space left" in (tmp_path / "log").read_text()


def test_records_are_never_half_written(tmp_path: Path) -> None:
    file = tmp_path / "new/install.json"
    write_atomically(file, "one")
    write_atomically(file, "two")
    assert [path.name for path in file.parent.iterdir()] == ["install.json"]
    assert file.read_text() == "two"


def test_too_old_a_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.sys, "version_info", (3, 10, 0))
    with pytest.raises(InstallError, match=r"Python 3\.11 to 3\.14"):
        environment.check_python()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list.d/debian.sources", "Types: deb\nURIs: https://mirror.test/debian\n"),
        ("sources.list", "# deb no\ndeb [signed-by=/k] https://mirror.test/debian trixie main\n"),
    ],
)
def test_the_machine_s_own_mirror_is_used(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert debian_mirror(tmp_path) == "https://mirror.test/debian"


def test_a_machine_without_debian_s_mirror_is_told(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb https://mirror.test/ubuntu noble main\n")
    with pytest.raises(InstallError, match="install GIMP 3"):
        debian_mirror(tmp_path)


def test_commands_find_the_environment_without_a_gimp(
    made: tuple[Environment, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_environment, _ = made
    monkeypatch.setattr(Environment, "ensure_project", lambda _: None)
    monkeypatch.setattr(Environment, "complaint", lambda *_: None)
    assert steps.install_command() == 0
    recorded = Record(made_environment.folder.parent).file.read_text(encoding="utf-8")
    assert json.loads(recorded)["editgan"] == str(made_environment.editgan)
    made_environment.editgan.touch()
    assert launch.installed_command() == [str(made_environment.editgan), "serve"]
