"""Which photos a batch is of, and what their results are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.batch.found import find_photos
from backend.errors import BadImage


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def names(found: list[Path]) -> list[str]:
    return sorted(path.as_posix() for path in found)


def test_results_lie_as_their_photos_do(tmp_path: Path) -> None:
    one, two = tmp_path / "sat", tmp_path / "sun"
    touch(one / "a.jpg", one / "church/a.jpg", two / "a.jpg", two / "b.HEIC", two / "b.nef")
    touch(two / "b.xmp", two / "notes.txt", one / ".thumbs/a.jpg", one / "._a.jpg")
    found = find_photos([one, two], tmp_path / "out")
    assert names([photo.name for photo in found.photos]) == [
        "sat/a.jpg", "sat/church/a.jpg", "sun/a.jpg", "sun/b.png",
    ]  # fmt: skip
    assert names(found.raw) == [(two / "b.nef").as_posix()]
    assert names([p.name for p in find_photos([one], tmp_path / "out").photos]) == [
        "a.jpg", "church/a.jpg",
    ]  # fmt: skip


def test_names_that_collide_are_told_apart_for_good(tmp_path: Path) -> None:
    touch(tmp_path / "a/x.jpg", tmp_path / "b/X.JPG", tmp_path / "b/y.bmp", tmp_path / "b/y.png")
    named = [tmp_path / "a/x.jpg", tmp_path / "b/X.JPG", tmp_path / "b/y.bmp", tmp_path / "b/y.png"]
    found = names([photo.name for photo in find_photos(named, tmp_path / "out").photos])
    assert len({name.casefold() for name in found}) == 4
    assert found == names([p.name for p in find_photos(named[::-1], tmp_path / "out").photos])
    twins = [tmp_path / "1/day/x.jpg", tmp_path / "2/day/x.jpg"]
    touch(*twins)
    found = names([p.name for p in find_photos([p.parent for p in twins], tmp_path / "out").photos])
    assert len(set(found)) == 2 and all(name.startswith("day/x-") for name in found)


def test_a_photo_that_is_named_twice_is_one(tmp_path: Path) -> None:
    touch(tmp_path / "a/x.jpg")
    assert len(find_photos([tmp_path / "a", tmp_path / "a/x.jpg"], tmp_path / "o").photos) == 1


def test_results_of_an_earlier_run_are_no_photos(tmp_path: Path) -> None:
    touch(tmp_path / "a/x.jpg", tmp_path / "a/edited/x.jpg")
    found = find_photos([tmp_path / "a"], tmp_path / "a/edited")
    assert names([photo.name for photo in found.photos]) == ["x.jpg"]


def test_an_output_folder_around_the_photos_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a/x.jpg")
    with pytest.raises(BadImage, match="lies in the output folder"):
        find_photos([tmp_path / "a"], tmp_path)


def test_another_format(tmp_path: Path) -> None:
    touch(tmp_path / "a/x.heic", tmp_path / "a/y.v2.jpg")
    found = find_photos([tmp_path / "a"], tmp_path / "o", ".webp")
    assert names([photo.name for photo in found.photos]) == ["x.webp", "y.v2.webp"]


def test_no_photos(tmp_path: Path) -> None:
    touch(tmp_path / "a/x.nef")
    with pytest.raises(BadImage, match=r"no photos in .* but 1 raw"):
        find_photos([tmp_path / "a"], tmp_path / "o")
    with pytest.raises(BadImage, match="check the name"):
        find_photos([tmp_path / "gone"], tmp_path / "o")
