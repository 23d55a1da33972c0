"""Originals and their retouched copies: which belongs to which, opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from backend.commands.session import passed_over, place_in
from backend.errors import BadImage, NothingChanged
from backend.photos.files import read_photo
from backend.photos.folder import find_images
from protocol.errors import UserError

if TYPE_CHECKING:
    from backend.editing.editor import Editor
    from backend.editing.pairs import Pair
    from backend.photos.photo import Photo

# How copies are named: the longer ones first.
SUFFIXES = ("_retouched", "-retouched", "_edited", "-edited", "_after", "-after", "_edit", "-edit")
_ORIGINAL = ("_before", "-before", "_original", "-original", "")


def find_pairs(folders: Sequence[Path]) -> list[tuple[Path, Path]]:
    """(original, copy): of two folders the files of one name, ending apart; of one the files whose
    names differ by a word such as "-retouched". Raises BadImage where there is no pair."""
    if len(folders) > 2:
        raise BadImage("Name one folder, or two: of the originals, then of the retouched copies.")
    if len(folders) == 2:
        before, after = (_by_name(find_images([folder]), folder) for folder in folders)
        pairs = [(before[name], after[name]) for name in sorted(before) if name in after]
    else:
        pairs = _by_suffix(find_images(folders))
    if not pairs:
        raise BadImage(
            f"There are no pairs in {', '.join(map(str, folders))}; name copies like their "
            "originals, with -retouched, -edited or -after, or put them into a second folder."
        )
    return pairs


def _by_name(images: Sequence[Path], folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in images}


def _by_suffix(images: Sequence[Path]) -> list[tuple[Path, Path]]:
    stems = {path.with_suffix(""): path for path in images}
    pairs = []
    for stem, path in sorted(stems.items()):
        word = next((s for s in SUFFIXES if stem.name.lower().endswith(s)), None)
        if word is None:
            continue
        plain = stem.name[: -len(word)]
        original = next((o for w in _ORIGINAL if (o := stem.with_name(plain + w)) in stems), None)
        if original is not None:
            pairs.append((stems[original], path))
    return pairs


def open_pairs(
    editor: Editor,
    found: Sequence[tuple[Path, Path]],
    count: int,
    level: str,
    parts: Sequence[str],
    *,
    quiet: bool,
) -> tuple[list[Pair], list[str]]:
    """The first `count` pairs that can be used, and why others cannot; raises NothingChanged where
    there is none."""
    from backend.editing.pairs import compare

    pairs: list[Pair] = []
    passed: list[str] = []
    total = min(count, len(found))
    with tqdm(total=total, desc="Embedding", unit="pair", disable=quiet or None) as bar:
        for before, after in found:
            if len(pairs) == count:
                break
            try:
                place = place_in(editor, read_photo(before))
                copy = _copy(after, place.photo)
                opened = place.open(level, quiet=True).opened
                pairs.append(compare(editor.engine, opened, copy.cut(place.rect), parts))
                bar.update()
            except UserError as error:
                passed.append(passed_over(before, error))
    if not pairs:
        raise NothingChanged(f"None of the pairs can be used ({passed[0]}).")
    return pairs, passed


def _copy(path: Path, original: Photo) -> Photo:
    """The retouched photo; raises BadImage where it is none of this original."""
    copy = read_photo(path)
    if (copy.width, copy.height) != (original.width, original.height):
        raise BadImage(f"{path.name} has another size; export it as large as the original.")
    return copy
