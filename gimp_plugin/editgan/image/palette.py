"""A palette of the parts' colours, with the parts' names, for painting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gi.repository import Gimp

from link.part_names import part_name
from protocol.messages import PartLayer


def install(bundle: str, parts: Sequence[PartLayer]) -> None:
    """Put the bundle's palette into GIMP's own folder, unless it is there already.

    One file for each bundle: GIMP's call for a new palette would save one each time.
    """
    file = Path(Gimp.directory()) / "palettes" / f"EditGAN-{_file_name(bundle)}.gpl"
    text = _gpl(f"EditGAN {bundle}", parts)
    try:
        if file.exists() and file.read_text(encoding="utf-8") == text:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError:
        return  # a convenience: no reason for a segmentation to fail
    Gimp.palettes_refresh()


def _gpl(name: str, parts: Sequence[PartLayer]) -> str:
    colours = [
        " ".join(f"{value:3d}" for value in part.color) + f"\t{part_name(part.name)}"
        for part in sorted(parts, key=lambda part: part.index)
    ]
    return "\n".join(["GIMP Palette", f"Name: {name}", "Columns: 4", "#", *colours, ""])


def _file_name(bundle: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in bundle)
