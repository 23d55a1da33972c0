"""What GIMP's export dialogs show for an image when they open."""

from __future__ import annotations

import re
from pathlib import Path

from gi.repository import Gimp

WITH_XMP = ("jpeg", "png", "tiff", "webp", "heif", "heif-av1", "jpegxl", "psd")  # in GIMP 3
_XMP = "(include-xmp yes)"
_ANY_XMP = re.compile(r"\(include-xmp \w+\)")
_FLAGS = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE


def tick_xmp(image: Gimp.Image) -> None:
    """Let *Save XMP* be ticked when the image is exported; a user can still untick it.

    GIMP 3.0 takes the dialog's first values from when it was installed, where no preference is
    known yet, so all metadata are left out. What it remembers of the image's own last export comes
    first, however: it is written here, with all that the user chose for that kind of file last.
    Those who have turned XMP off in GIMP's preferences keep it so.
    """
    if not Gimp.export_xmp():
        return
    for kind in WITH_XMP:
        settings = f"GimpProcedureConfigRun-file-{kind}-export"
        values = _of_image(image, settings) or _of_user(settings)
        values = _ANY_XMP.sub(_XMP, values) if _ANY_XMP.search(values) else f"{values}\n{_XMP}\n"
        data = values.encode("utf-8", errors="surrogateescape") + b"\0"
        image.attach_parasite(Gimp.Parasite.new(f"{settings}-last", _FLAGS, data))


def _of_image(image: Gimp.Image, settings: str) -> str:
    parasite = image.get_parasite(f"{settings}-last")
    return _text(bytes(parasite.get_data())) if parasite else ""


def _of_user(settings: str) -> str:
    file = Path(Gimp.directory(), "plug-in-settings", f"{settings}.last")
    return _text(file.read_bytes()) if file.is_file() else ""


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", errors="surrogateescape")
