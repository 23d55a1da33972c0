"""Picture files that the backend sends (WebP), for GTK to show."""

from __future__ import annotations

import tempfile
from pathlib import Path

from gi.repository import GdkPixbuf, Gegl, Gimp, Gio, GLib

from protocol.messages import Pixels
from windows.picture import pixbuf


def read(data: bytes, side: int) -> GdkPixbuf.Pixbuf | None:
    """A picture file's content, its longer side scaled to `side`; None if nobody can read it."""
    picture = _by_gtk(data) or _by_gimp(data)
    if picture is None:
        return None
    scale = side / max(picture.get_width(), picture.get_height())
    width, height = (max(1, round(n * scale)) for n in (picture.get_width(), picture.get_height()))
    return picture.scale_simple(width, height, GdkPixbuf.InterpType.BILINEAR)


def _by_gtk(data: bytes) -> GdkPixbuf.Pixbuf | None:
    loader = GdkPixbuf.PixbufLoader()
    try:
        loader.write(data)
        loader.close()
        return loader.get_pixbuf()
    except GLib.Error:
        try:
            loader.close()
        except GLib.Error:
            return None
        return None


def _by_gimp(data: bytes) -> GdkPixbuf.Pixbuf | None:
    """GTK often has no WebP loader; GIMP has one."""
    with tempfile.TemporaryDirectory(prefix="editgan-") as folder:
        file = Path(folder) / "picture.webp"
        file.write_bytes(data)
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(file)))
    if image is None:
        return None
    try:
        layer = image.get_layers()[0]
        width, height = layer.get_width(), layer.get_height()
        area = Gegl.Rectangle.new(0, 0, width, height)
        pixels = layer.get_buffer().get(area, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
        return pixbuf(Pixels(width, height, 3, "u8", pixels))
    finally:
        image.delete()
