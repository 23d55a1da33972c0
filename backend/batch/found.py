"""Which photos a batch is of, what lies beside them and is left alone, and what results are called.

A result lies below the output folder as its photo lies below the folder that was named.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import BadImage
from backend.photos.formats import SUFFIXES
from backend.photos.writing import KINDS

RAW = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc",
     ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl",
     ".sr2", ".srf", ".srw", ".x3f"}
)  # fmt: skip
_SIDECARS = frozenset({".xmp", ".pp3", ".dop", ".thm", ".aae"})
_OTHERWISE = ".png"  # for photos in formats that are read but not written: no value is lost


@dataclass(frozen=True)
class Found:
    """A photo, and its result's place below the output folder."""

    source: Path
    name: Path


@dataclass(frozen=True)
class FoundPhotos:
    """raw: the raw files beside the photos, which are left alone."""

    photos: list[Found] = field(default_factory=list)
    raw: list[Path] = field(default_factory=list)


def find_photos(named: Sequence[Path], out: Path, suffix: str | None = None) -> FoundPhotos:
    """The photos among files and in folders, sorted, each once; nothing in `out` is one.

    suffix: the results' ending, such as ".png"; None: each photo's own, where it can be written.
    Raises BadImage where something is missing, or where there is no photo.
    """
    inside = out.resolve()
    photos: dict[Path, Path] = {}
    raw: dict[Path, Path] = {}
    roots = Counter(root.resolve() for root in named if root.is_dir())
    for root in named:
        if not root.exists():
            raise BadImage(f"There is no file or folder {root}; check the name.")
        if root.resolve().is_relative_to(inside):
            raise BadImage(f"{root} lies in the output folder {out}; choose another one.")
        for path, name in _below(root, len(roots) > 1):
            place = path.resolve()
            if place.is_relative_to(inside):
                continue
            if path.suffix.lower() in RAW:
                raw.setdefault(place, path)
            elif path.suffix.lower() not in _SIDECARS:
                photos.setdefault(place, name)
    if not photos:
        beside = f" but {len(raw)} raw file(s), which must be developed first" if raw else ""
        raise BadImage(f"There are no photos in {', '.join(map(str, named))}{beside}.")
    names = {place: _written(name, suffix) for place, name in photos.items()}
    found = [Found(place, name) for place, name in _without_collisions(names)]
    return FoundPhotos(found, sorted(raw.values()))


def _below(root: Path, several: bool) -> Iterator[tuple[Path, Path]]:
    """Files with the names of their results; hidden ones are other programs' business."""
    if not root.is_dir():
        yield root, Path(root.name)
        return
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if any(part.startswith(".") for part in name.parts) or not path.is_file():
            continue
        if path.suffix.lower() in SUFFIXES | RAW:
            yield path, Path(root.resolve().name) / name if several else name


def _written(name: Path, suffix: str | None) -> Path:
    own = name.suffix if name.suffix.lower() in KINDS else _OTHERWISE
    return name.with_suffix(suffix or own)


def _without_collisions(names: dict[Path, Path]) -> Iterator[tuple[Path, Path]]:
    """Results of one name, upper and lower case being one, get the mark of their photo's place."""
    count = Counter(str(name).casefold() for name in names.values())
    for place, name in sorted(names.items(), key=lambda pair: (pair[1], pair[0])):
        if count[str(name).casefold()] > 1:
            mark = hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()[:8]
            name = name.with_stem(f"{name.stem}-{mark}")
        yield place, name
