"""Favourites are kept beside the user's edits, and are never worth an error while reading."""

from pathlib import Path

import pytest

from edit_library import EditNotWritable
from edit_library.favourites import FILE, Favourites


def test_marks_are_kept_by_bundle(tmp_path: Path) -> None:
    marks = Favourites(tmp_path / "library")
    marks.set("faces", "smile", True)
    marks.set("cats", "yawn", True)
    marks.set("faces", "wink", True)
    marks.set("faces", "smile", False)
    marks.set("faces", "smile", False)
    again = Favourites(tmp_path / "library")
    assert (again.of("faces"), again.of("cats"), again.of("cars")) == ({"wink"}, {"yawn"}, set())


def test_a_mark_follows_its_edit(tmp_path: Path) -> None:
    marks = Favourites(tmp_path)
    marks.set("faces", "smile", True)
    marks.rename("faces", "smile", "grin")
    marks.rename("faces", "other", "unmarked")
    assert marks.of("faces") == {"grin"}


@pytest.mark.parametrize("text", ["", "[]", '{"faces": 3}', "{", '{"faces": [1, null]}'])
def test_a_damaged_file_holds_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    marks = Favourites(tmp_path)
    assert marks.of("faces") == set()
    marks.set("faces", "smile", True)
    assert marks.of("faces") == {"smile"}


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EditNotWritable, match="marked"):
        Favourites(tmp_path / "file" / "library").set("faces", "smile", True)
