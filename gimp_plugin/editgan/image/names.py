"""What an image is called where it is one of several."""

from __future__ import annotations

from gi.repository import Gimp


def short(image: Gimp.Image) -> str:
    """Its file's name, without GIMP's marks: "frame2.jpg" for "[frame2] (imported)"."""
    file = image.get_xcf_file() or image.get_imported_file()
    return (file and file.get_basename()) or image.get_name()
