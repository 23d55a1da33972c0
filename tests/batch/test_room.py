"""A member's memory: photos come in while there is room for their pixels."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from PIL import Image

from backend.batch.room import Room, pixels_of
from backend.batch.tasks import Task


class Guest:
    """A photo that comes in, stays, and goes when it is told to."""

    def __init__(self, room: Room, pixels: int) -> None:
        self.inside, self._go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._stay, args=(room, pixels))
        self._thread.start()

    def _stay(self, room: Room, pixels: int) -> None:
        with room.of(pixels):
            self.inside.set()
            self._go.wait()

    def leave(self) -> None:
        self._go.set()
        self._thread.join()


def test_photos_come_in_while_there_is_room() -> None:
    room = Room(100)
    first, second = Guest(room, 60), Guest(room, 40)
    assert first.inside.wait(60) and second.inside.wait(60)
    assert not room._fits(30)
    third = Guest(room, 30)
    with room.of(0):  # it takes none
        pass
    second.leave()
    assert third.inside.wait(60)
    first.leave()
    third.leave()


def test_one_that_is_larger_than_the_room_comes_in_alone() -> None:
    room = Room(100)
    small = Guest(room, 1)
    assert small.inside.wait(60)
    assert not room._fits(1000)
    large = Guest(room, 1000)
    small.leave()
    assert large.inside.wait(60)
    large.leave()


def test_room_is_given_back_after_an_error() -> None:
    room = Room(100)
    with pytest.raises(ValueError, match="torn"), room.of(90):
        raise ValueError("torn")
    with room.of(90):
        pass


def test_a_photo_s_pixels_are_read_from_its_head(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20)).save(buffer, "JPEG")
    file = tmp_path / "photo.jpg"
    file.write_bytes(buffer.getvalue())
    assert pixels_of(Task(0, str(file), "photo.jpg")) == 600
    assert pixels_of(Task(0, "elsewhere.jpg", "photo.jpg", data=buffer.getvalue())) == 600
    Image.new("RGB", (30, 20)).save(tmp_path / "deep.png")
    assert pixels_of(Task(0, str(tmp_path / "deep.png"), "deep.png")) == 1800, "perhaps of 16 bits"
    file.write_bytes(b"a text")
    assert pixels_of(Task(0, str(file), "photo.jpg")) == 0
    assert pixels_of(Task(0, str(tmp_path / "none.jpg"), "none.jpg")) == 0
