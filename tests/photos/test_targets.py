"""Where a picture is written: permissions, links, pipes and odd names."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from photo_files import values_of

from backend.errors import BadImage
from backend.photos.files import check_output, read_photo, write_photo
from backend.photos.photo import Photo


def test_a_target_keeps_its_permissions_and_links(tmp_path: Path) -> None:
    photo = Photo(values_of(np.uint8, 3))
    path, link = tmp_path / "x.png", tmp_path / "link.png"
    path.write_bytes(b"old")
    path.chmod(0o600)
    link.symlink_to("x.png")
    write_photo(photo, link)
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o600
    assert read_photo(path).pixels.shape == photo.pixels.shape
    hanging = tmp_path / "hanging.png"
    hanging.symlink_to("later.png")
    write_photo(photo, hanging)
    assert hanging.is_symlink() and (tmp_path / "later.png").is_file()
    path.chmod(0o444)
    before = path.read_bytes()
    for target in (path, link):
        with pytest.raises(BadImage, match="write-protected"):
            check_output(target, photo)
        with pytest.raises(BadImage, match="write-protected"):
            write_photo(photo, target)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "hanging.png", "later.png", "link.png", "x.png",
    ]  # fmt: skip


def test_links_in_a_circle_and_folders_that_take_nothing(tmp_path: Path) -> None:
    photo = Photo(values_of(np.uint8, 3))
    (tmp_path / "a.png").symlink_to("b.png")
    (tmp_path / "b.png").symlink_to("a.png")
    with pytest.raises(BadImage, match="circle"):
        check_output(tmp_path / "a.png", photo)
    if Path("/proc/self").is_dir():  # whose permissions allow what the system does not
        with pytest.raises(BadImage, match="cannot be written"):
            check_output(Path("/proc/x.png"), photo)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on Unix only")
def test_pipes_are_read_and_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    photo = Photo(values_of(np.uint16, 3))
    write_photo(photo, tmp_path / "x.png")
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        write_photo(photo, pipe)
        assert reader.communicate(timeout=60)[0] == (tmp_path / "x.png").read_bytes()
    with subprocess.Popen(f"exec cat '{tmp_path}/x.png' > '{pipe}'", shell=True):
        assert np.array_equal(read_photo(pipe).pixels, photo.pixels)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["a\nb.png", b"caf\xe9.png", "x" * 251 + ".png", "\u202e.png"])
def test_odd_names(tmp_path: Path, name: str | bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    photo = Photo(values_of(np.uint8, 3))
    check_output(path, photo)
    write_photo(photo, path)
    assert np.array_equal(read_photo(path).pixels, photo.pixels)
    with pytest.raises(BadImage, match="too long"):
        check_output(tmp_path / ("x" * 300 + ".png"), photo)
