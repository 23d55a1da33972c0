"""A preview in a window: the subject with the edit so far, and the outline of what may change."""

from __future__ import annotations

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GdkPixbuf, GLib, Gtk

from link.texts import _
from protocol.geometry import Rect
from protocol.messages import Pixels, Preview

SIDE = 320  # px
_OUTLINE = (255, 200, 0)


class Picture:
    """`widget` holds the picture and a switch for the outline."""

    def __init__(self) -> None:
        self.widget = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._image = Gtk.Image()
        self._image.set_size_request(SIDE, SIDE)
        self._switch = Gtk.CheckButton.new_with_mnemonic(_("_Outline of what may change"))
        self._switch.set_active(True)
        self._switch.connect("toggled", lambda _button: self._draw())
        self._preview: Preview | None = None
        self.widget.pack_start(self._image, False, False, 0)
        self.widget.pack_start(self._switch, False, False, 0)

    def show(self, preview: Preview) -> None:
        self._preview = preview
        self._draw()

    def show_photo(self, photo: Pixels, rect: Rect) -> None:
        """A rectangle of the photo as it is: nothing is being changed."""
        self._preview = None
        corner = min(rect.x, photo.width - 1), min(rect.y, photo.height - 1)
        shown = Rect.between(*corner, min(rect.right, photo.width), min(rect.bottom, photo.height))
        part = pixbuf(photo).new_subpixbuf(*corner, max(1, shown.width), max(1, shown.height))
        self._image.set_from_pixbuf(fitting(part))

    def _draw(self) -> None:
        if self._preview is None:
            return
        picture = fitting(pixbuf(self._preview.pixels))
        line = self._preview.outline
        if line is not None and self._switch.get_active():
            size = picture.get_width(), picture.get_height()
            scale = size[0] / line.width, size[1] / line.height
            smooth = GdkPixbuf.InterpType.BILINEAR
            _tinted(line).composite(picture, 0, 0, *size, 0, 0, *scale, smooth, 255)
        self._image.set_from_pixbuf(picture)


def pixbuf(pixels: Pixels) -> GdkPixbuf.Pixbuf:
    """R'G'B' or R'G'B'A u8 pixels as a picture for GTK."""
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(bytes(pixels.data)),
        GdkPixbuf.Colorspace.RGB,
        pixels.channels == 4,
        8,
        pixels.width,
        pixels.height,
        pixels.width * pixels.channels,
    )


def fitting(picture: GdkPixbuf.Pixbuf) -> GdkPixbuf.Pixbuf:
    """A copy whose longer side is SIDE."""
    width, height = picture.get_width(), picture.get_height()
    scale = SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return picture.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR)


def _tinted(mask: Pixels) -> GdkPixbuf.Pixbuf:
    data = bytearray(bytes([*_OUTLINE, 0]) * (mask.width * mask.height))
    data[3::4] = bytes(mask.data)
    return pixbuf(Pixels(mask.width, mask.height, 4, "u8", bytes(data)))
