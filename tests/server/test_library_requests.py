"""Keeping the edit library over the wire: rename, delete and undo, favourites, files."""

from __future__ import annotations

import threading
from array import array
from pathlib import Path

import pytest

from backend_harness import error_of, repaint, segment, wait_until
from edit_library import Library
from protocol import messages as m
from protocol import paths
from protocol.client import Connection, new_job
from protocol.errors import BackendError

VECTOR = m.Pixels(8, 4, 1, "f32", array("f", [0.5, 0.25] * 16).tobytes())


@pytest.fixture
def edit(connection: Connection) -> str:
    connection.request(segment())
    save = m.SaveEdit("p1", "More hair", "Longer.", ("hair",), VECTOR, -1.0, 3.0, learnt_from=2)
    return connection.request(save).name


def names(connection: Connection) -> list[str]:
    return [edit.name for edit in connection.request(m.ListEdits("small")).edits]


def test_an_edit_comes_with_its_vector(connection: Connection, edit: str) -> None:
    content = connection.request(m.GetEdit("small", edit))
    assert bytes(content.vector.data) == bytes(VECTOR.data)
    assert (content.info.title, content.sha) == ("More hair", "5" * 64)
    assert Library(paths.library_dir()).get("small", edit).info.learnt_from == 2
    assert error_of(connection, m.GetEdit("small", "none")).code == "unknown_edit"


def test_renaming_keeps_the_mark(connection: Connection, edit: str) -> None:
    connection.request(m.SetFavourite("small", edit, True))
    assert connection.request(m.RenameEdit("small", edit, "Long hair")).name == "long-hair"
    (found,) = connection.request(m.ListEdits("small")).edits
    assert (found.title, found.favourite) == ("Long hair", True)
    assert error_of(connection, m.RenameEdit("small", "none", "x")).code == "unknown_edit"


def test_deleting_can_be_undone(connection: Connection, edit: str) -> None:
    trash = connection.request(m.DeleteEdit("small", edit)).trash
    assert names(connection) == []
    assert connection.request(m.RestoreEdit("small", trash)).name == edit
    assert names(connection) == [edit]
    assert error_of(connection, m.RestoreEdit("small", trash)).code == "unknown_edit"
    assert error_of(connection, m.RestoreEdit("small", "../library")).code == "unknown_edit"


def test_undoing_a_deletion_replaces_nothing(connection: Connection, edit: str) -> None:
    trash = connection.request(m.DeleteEdit("small", edit)).trash
    connection.request(m.SaveEdit("p1", "More hair", "", ("hair",), VECTOR))
    assert error_of(connection, m.RestoreEdit("small", trash)).code == "exists"
    assert names(connection) == [edit]


def test_files_go_out_and_come_back(connection: Connection, edit: str) -> None:
    exported = connection.request(m.ExportEdit("small", edit))
    assert exported.file == "more-hair.editgan"
    again = connection.request(m.ImportEdit(exported.file, exported.data))
    assert again == m.Imported("small", "more-hair-2")
    assert connection.request(m.ImportEdit("x", exported.data)).name == "more-hair-3"
    assert error_of(connection, m.ImportEdit("a.jpg", b"\xff\xd8")).code == "bad_edit"
    assert names(connection) == ["more-hair", "more-hair-2", "more-hair-3"]


def test_a_disk_that_refuses_is_told(connection: Connection, edit: str, home: Path) -> None:
    data = connection.request(m.ExportEdit("small", edit)).data
    library = home / "library"
    library.rename(home / "elsewhere")
    library.write_text("a file where the folder should be")
    error = error_of(connection, m.ImportEdit("x.editgan", data))
    assert error.code == "not_writable"
    assert "free space" in error.message


def test_none_of_it_waits_for_the_device(connection: Connection, edit: str) -> None:
    job = new_job()
    ended: list[BackendError] = []

    def work() -> None:
        try:
            connection.request(repaint("slow", steps=10_000), job=job)
        except BackendError as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: connection.status().running == "Repaint", "the repaint's start")
    connection.request(m.SetFavourite("small", edit, True))
    assert connection.status().running == "Repaint"
    connection.cancel(job)
    thread.join()
    assert [error.code for error in ended] == ["cancelled"]
