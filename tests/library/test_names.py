"""Folder names from titles."""

from __future__ import annotations

import pytest

from edit_library import BadEdit, slugify
from edit_library.names import is_name

TITLES = [
    "Smile", "Größere Augen", "笑顔", "泣き顔", "笑 smile", "泣 smile", "CON", "com1", "a/b\\c",
    "..", "...x", "e\u0301te\u0301", "été", "x" * 300, "😀", "-", "trailing dot.", "tab\there",
]  # fmt: skip


@pytest.mark.parametrize("title", TITLES)
def test_every_title_has_a_safe_name(title: str) -> None:
    name = slugify(title)
    assert is_name(name) and name == slugify(title) and slugify(name) == name


def test_lost_letters_do_not_make_titles_collide() -> None:
    assert len({slugify(t) for t in ("笑顔", "泣き顔", "笑 smile", "泣 smile", "smile")}) == 5


def test_spellings_of_one_title_agree() -> None:
    assert slugify("e\u0301te\u0301") == slugify("été") == slugify(" Été ") == "ete"


@pytest.mark.parametrize("title", ["", "  ", "\n"])
def test_nothing_is_no_title(title: str) -> None:
    with pytest.raises(BadEdit):
        slugify(title)
