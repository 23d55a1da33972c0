"""The photos that were kept out of training, by bundle, lest results be learned by heart."""

from __future__ import annotations

from pathlib import Path


def held_out_names(bundle: str) -> list[str] | None:
    """The photos that nothing of this bundle was trained on; None where there is no list."""
    path = Path(__file__).with_name(f"held_out_{bundle}.txt")
    return path.read_text(encoding="utf-8").split() if path.is_file() else None


def hard_photos(name: str) -> dict[str, list[str]]:
    """Which of the photos kept out are hard, by what is hard about them ("beard", "turned" ...);
    empty where there is no list. name: "face_parts"."""
    path = Path(__file__).with_name(f"hard_{name}.txt")
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        photo, *kinds = line.split()
        for kind in kinds:
            found.setdefault(kind, []).append(photo)
    return found
