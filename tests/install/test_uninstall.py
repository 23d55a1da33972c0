"""--uninstall removes what install.json lists and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.record import Record
from installer.uninstall import uninstall


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


@pytest.fixture
def installed(home: Path, tmp_path: Path) -> Path:
    """A data folder with an installation, the user's own edits, and somebody else's file."""
    record = Record(home)
    plug_ins = tmp_path / "GIMP/3.0/plug-ins"
    inner = home / "gimp-profile/plug-ins/editgan"
    for path in (
        home / "venv",
        home / "gimp.partial",
        plug_ins / "editgan",
        inner.parents[1],
        inner,
    ):
        touch(record.add_path(path) / "file")
    record.add_path(home / "never-made")
    touch(plug_ins / "another/another.py")
    touch(tmp_path / "GIMP/3.0/palettes/EditGAN-faces.gpl")
    touch(tmp_path / "GIMP/3.0/palettes/mine.gpl")
    touch(home / "library/faces/mine/edit.json")
    touch(home / "settings.json")
    touch(home / "keys/client.json")
    touch(home / "notes.txt")
    return home


def left_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_removes_what_is_listed_and_keeps_own_edits(
    installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert uninstall(installed, purge=False, sure=True) == 0
    assert left_in(tmp_path) == {
        "GIMP/3.0/palettes/mine.gpl",
        "GIMP/3.0/plug-ins/another/another.py",
        "home/keys/client.json",
        "home/library/faces/mine/edit.json",
        "home/notes.txt",
        "home/settings.json",
    }
    assert str(installed / "library") in capsys.readouterr().out


def test_purge_removes_own_edits_too(installed: Path, tmp_path: Path) -> None:
    assert uninstall(installed, purge=True, sure=True) == 0
    assert left_in(tmp_path) == {
        "GIMP/3.0/palettes/mine.gpl",
        "GIMP/3.0/plug-ins/another/another.py",
        "home/notes.txt",
    }


def test_an_empty_data_folder_goes_as_well(home: Path) -> None:
    touch(Record(home).add_path(home / "venv") / "file")
    (home / "library/faces").mkdir(parents=True)  # made, and never used
    assert uninstall(home, purge=False, sure=True) == 0
    assert not home.exists()


def test_the_demonstration_s_edit_goes_without_a_word(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(Record(home).add_path(home / "library/faces/demo") / "edit.json")
    assert uninstall(home, purge=False, sure=True) == 0
    assert not home.exists()
    assert "your own" not in capsys.readouterr().out


def test_a_second_time_finds_nothing(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uninstall(installed, purge=False, sure=True)
    assert uninstall(installed, purge=False, sure=True) == 0
    assert "Nothing is installed" in capsys.readouterr().out
    assert (installed / "library/faces/mine/edit.json").exists()


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("", 1), ("y", 0)])
def test_asks_at_a_terminal(
    installed: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    before = left_in(installed)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert uninstall(installed, purge=False, sure=False) == code
    assert (left_in(installed) == before) == bool(code)


def test_asks_nobody_where_nobody_is(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert uninstall(installed, purge=False, sure=False) == 0
    assert not (installed / "venv").exists()


def test_a_link_is_removed_and_not_what_it_points_to(home: Path, tmp_path: Path) -> None:
    elsewhere = touch(tmp_path / "elsewhere/file")
    Record(home).add_path(home / "venv").symlink_to(elsewhere.parent)
    uninstall(home, purge=False, sure=True)
    assert elsewhere.exists()
    assert not (home / "venv").is_symlink()
