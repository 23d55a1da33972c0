"""A photo in memory: upright, in its file's own precision."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from backend.photos.metadata import Metadata, SourceFile
from backend.photos.transfer import Transfer
from protocol.geometry import Rect


class PlacedLayer(Protocol):
    """A picture to lay over a photo at (x, y): [h, w, 4], u8, or f32 where 1 is white."""

    @property
    def x(self) -> int: ...
    @property
    def y(self) -> int: ...
    @property
    def pixels(self) -> NDArray[Any]: ...


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo, upright.

    pixels: R'G'B' or R'G'B'A, [H, W, 3 or 4], in the file's precision: uint8, uint16 or float32.
    profile: the ICC profile that the values are meant in. grey: the file holds one colour channel
    (repeated three times in `pixels`) and is written so. premultiplied: the colours are multiplied
    by alpha. transfer: how the values become light, None for sRGB's way and those close to it.
    metadata: what else the file says. source: the file. notes: what a user should know about how it
    was read, in sentences. edited: whether it shows anything else than its file does.
    """

    pixels: NDArray[Any]
    profile: bytes | None = None
    grey: bool = False
    premultiplied: bool = False
    transfer: Transfer | None = None
    metadata: Metadata = field(default_factory=Metadata)
    source: SourceFile | None = None
    notes: tuple[str, ...] = ()
    edited: bool = False

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def depth(self) -> int:
        """Bits per channel: 8, 16, or 32 for float."""
        return self.pixels.dtype.itemsize * 8

    @property
    def has_alpha(self) -> bool:
        return self.pixels.shape[2] == 4

    @property
    def white(self) -> int:
        return 1 if self.depth == 32 else 2**self.depth - 1

    def cut(self, rect: Rect | None = None) -> NDArray[Any]:
        """The pixels of a rectangle as the editor takes them, as sRGB shows them.

        uint8 for ordinary 8-bit photos; float32, where 1 is white, for others. No value is lost.
        """
        x, y, w, h = rect or (0, 0, self.width, self.height)
        part = self.pixels[y : y + h, x : x + w]
        if not self.premultiplied and self.transfer is None:
            return part.astype(np.float32) / 65535 if self.depth == 16 else part
        part = part.astype(np.float32) / np.float32(self.white)
        if self.premultiplied:
            alpha = part[..., 3:]
            part[..., :3] /= np.where(alpha > 0, alpha, 1)
        if self.transfer:
            part[..., :3] = self.transfer.to_srgb(part[..., :3])
        return part

    def to_u8(self) -> NDArray[np.uint8]:
        """uint8 [H, W, 3], for looking at and for finding subjects."""
        colours = self.pixels[..., :3]
        if self.premultiplied or self.transfer:
            return np.round(np.clip(self.cut()[..., :3], 0, 1) * 255).astype(np.uint8)
        if self.depth == 8:
            return np.ascontiguousarray(colours)
        if self.depth == 16:
            return np.round(colours / np.float32(257)).astype(np.uint8)
        return np.round(np.clip(colours, 0, 1) * 255).astype(np.uint8)

    def with_layer(self, layer: PlacedLayer) -> Photo:
        """The photo under `layer`; where its alpha is 0, or it shows what is there, pixels stay
        exactly as they are.
        """
        h, w = map(int, layer.pixels.shape[:2])
        pixels = self.pixels.copy()
        area = pixels[layer.y : layer.y + h, layer.x : layer.x + w]
        under, scale = area[..., :3], 255 if layer.pixels.dtype == np.uint8 else 1
        over: NDArray[Any] = layer.pixels.astype(np.float32) / scale
        alpha, colours = over[..., 3:], over[..., :3]
        shown = self.cut(Rect(layer.x, layer.y, w, h))[..., :3]
        touched = alpha[..., 0] > 0
        if shown.dtype == layer.pixels.dtype:  # not mixed: that would round
            touched &= (layer.pixels[..., :3] != shown).any(axis=2)
        if self.transfer:
            colours = self.transfer.from_srgb(colours)
        if self.premultiplied:
            colours = colours * (area[..., 3:].astype(np.float32) / self.white)
        mixed: NDArray[Any] = under * (1 - alpha) + colours * self.white * alpha
        if self.depth != 32:
            mixed = np.round(np.clip(mixed, 0, self.white))
        under[touched] = mixed[touched].astype(pixels.dtype)
        return replace(self, pixels=pixels, edited=self.edited or bool(touched.any()))

    def small(self, width: int, height: int) -> NDArray[np.uint8]:
        """As a thumbnail of this size shows it, amid black: uint8 [height, width, 3]."""
        step = max(1, min(self.width // (4 * width), self.height // (4 * height)))
        shown = Image.fromarray(replace(self, pixels=self.pixels[::step, ::step]).to_u8())
        return np.asarray(ImageOps.pad(shown, (width, height), Image.Resampling.LANCZOS))

    def straight(self) -> Photo:
        """The photo with colours that are not multiplied by alpha, as most files hold them."""
        if not self.premultiplied:
            return self
        pixels: NDArray[Any] = self.pixels.astype(np.float32)
        alpha = pixels[..., 3:] / self.white
        pixels[..., :3] /= np.where(alpha > 0, alpha, 1)
        if self.depth != 32:
            pixels = np.round(np.clip(pixels, 0, self.white))
        return replace(self, pixels=pixels.astype(self.pixels.dtype), premultiplied=False)


def to_grey(pixels: NDArray[Any]) -> NDArray[Any]:
    """Luma of [H, W, 3]; exactly the common value where the three channels agree."""
    luma = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    if pixels.dtype.kind == "u":
        luma = np.round(luma)
    grey = (pixels[..., 0] == pixels[..., 1]) & (pixels[..., 1] == pixels[..., 2])
    return np.where(grey, pixels[..., 0], luma.astype(pixels.dtype))
