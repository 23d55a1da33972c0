"""Where GIMP is looked for on each system, with the system's own ways imitated."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from installer import find_gimp, plugin, windows
from installer.console import InstallError
from installer.environment import Environment
from installer.record import Record

GIMP_3 = {
    "kind": "native",
    "command": ("gimp-console",),
    "version": "3.0.4",
    "directory": "/nowhere",
    "python": "3.13",
    "cache_tag": "cpython-313",
    "plug_in_path": "",
}


class Key:
    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        pass


class Registry:
    """`winreg`: values under full names; roots are "user" and "machine"."""

    HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE = "user", "machine"

    def __init__(self, values: dict[str, object]) -> None:
        self.values = values

    def OpenKey(self, root: str, name: str) -> Key:  # noqa: N802 - winreg's own name
        full = f"{root}\\{name}"
        if not any(value.startswith(f"{full}\\") for value in self.values):
            raise FileNotFoundError(full)
        return Key(full)

    def EnumKey(self, key: Key, number: int) -> str:  # noqa: N802
        start = f"{key.name}\\"
        inner = {v.removeprefix(start).split("\\")[0] for v in self.values if v.startswith(start)}
        try:
            return sorted(inner)[number]
        except IndexError:
            raise OSError(259, "No more data is available") from None

    def QueryValueEx(self, key: Key, name: str) -> tuple[object, int]:  # noqa: N802
        try:
            return self.values[f"{key.name}\\{name}"], 1
        except KeyError:
            raise FileNotFoundError(name) from None


def on_windows(patch: pytest.MonkeyPatch, values: dict[str, object]) -> None:
    patch.setattr(platform, "system", lambda: "Windows")
    patch.setitem(sys.modules, "winreg", Registry(values))  # type: ignore[arg-type]


def test_windows_installer_tells_where_gimp_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "Programme für alle" / "GIMP"
    (place / "bin").mkdir(parents=True)
    for name in ("gimp-console-3.0.exe", "gimp-console-3.2.exe", "gimp-3.2.exe"):
        (place / "bin" / name).touch()
    uninstall = rf"machine\{windows._UNINSTALL}"
    on_windows(
        monkeypatch,
        {
            rf"{uninstall}\GIMP-3_is1\InstallLocation": str(place),
            rf"{uninstall}\GIMP-2_is1\InstallLocation": str(tmp_path),
            rf"{uninstall}\GIMP-3.2_is1\DisplayName": "GIMP without a place",
            rf"{uninstall}\Another\InstallLocation": str(tmp_path),
        },
    )
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "nothing"))
    found = [Path(command[0]).name for _, command in find_gimp.candidates("win32")]
    assert found == ["gimp-console-3.2.exe", "gimp-console-3.0.exe"]


def test_windows_usual_places_are_looked_at_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_windows(monkeypatch, {})
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PROGRAMFILES", str(tmp_path / "Program Files"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    for folder in ("Program Files/GIMP 3/bin", "Local/Programs/GIMP 3/bin"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "gimp-console-3.0.exe").touch()
    found = [Path(command[0]).parents[1] for _, command in find_gimp.candidates("win32")]
    assert found == [tmp_path / "Local/Programs/GIMP 3", tmp_path / "Program Files/GIMP 3"]


def test_a_mac_s_applications_are_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    for name in ("GIMP.app", "GIMP-3.2.app", "Other.app"):
        (tmp_path / "Applications" / name / "Contents/MacOS").mkdir(parents=True)
    found = [command[0] for _, command in find_gimp.candidates("darwin")]
    assert [Path(one).parents[2].name for one in found if str(tmp_path) in one] == [
        "GIMP.app",
        "GIMP-3.2.app",
    ]


@pytest.mark.parametrize("allowed", [0, 1])
def test_names_that_windows_refuses_are_told_beforehand(
    monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    on_windows(monkeypatch, {rf"machine\{windows._FILE_SYSTEM}\LongPathsEnabled": allowed})
    windows.check_lengths(Path("C:/Users/ann/AppData/Local/editgan"))
    long = Path("C:/") / ("folder " * 20)
    if allowed:
        windows.check_lengths(long)
    else:
        with pytest.raises(InstallError, match="EDITGAN_HOME"):
            windows.check_lengths(long)


def test_elsewhere_nothing_of_windows_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    windows.check_lengths(Path("/" + "x" * 300))
    assert list(windows.gimp_folders()) == []


@pytest.mark.parametrize(
    ("gimp_platform", "wheels"), [("mingw_x86_64_ucrt", False), ("linux-riscv64", True)]
)
def test_where_no_built_package_fits_pure_python_is_put_there(
    home: Path, monkeypatch: pytest.MonkeyPatch, gimp_platform: str, wheels: bool
) -> None:
    asked: list[str] = []

    def no_wheel(_: Environment, words: list[str], title: str) -> None:
        asked.append(title)
        raise InstallError("no matching distribution")

    monkeypatch.setattr(Environment, "pip", no_wheel)
    environment = Environment(home, Record(home))
    environment.python = Path(sys.executable)
    gimp = find_gimp.Gimp(platform=gimp_platform, **GIMP_3)  # type: ignore[arg-type]
    folder = plugin.ensure_vendor(environment, gimp, home / "vendor")
    assert bool(asked) == wheels
    assert (folder / "msgpack/fallback.py").is_file()
    assert not list(folder.rglob("*.so")) and not (folder / "zmq").exists()
