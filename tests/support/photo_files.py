"""Small photo files, what is edited in them, and the way through a file and back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.photos.containers import png
from backend.photos.containers.xmp import with_source_type
from backend.photos.files import check_output, read_photo, write_photo
from backend.photos.photo import Photo

DATA = Path(__file__).resolve().parents[1] / "data/files"
_RNG = np.random.default_rng(5)


def values_of(dtype: Any, channels: int) -> NDArray[Any]:
    """Noise of a small picture, [36, 48, channels]: all values of the type, or 0..1."""
    values = _RNG.random((36, 48, channels)).astype(np.float32)
    return values if dtype is np.float32 else (values * np.iinfo(dtype).max).astype(dtype)


@dataclass(frozen=True)
class Spot:
    """A layer for tests."""

    x: int
    y: int
    pixels: NDArray[Any]


def edited(photo: Photo, level: float = 0.25) -> Photo:
    """The photo with a grey rectangle in its middle and the note that a model changed it."""
    h, w = photo.height // 3, photo.width // 3
    layer = np.full((h, w, 4), level, np.float32)
    layer[..., 3] = 1
    layer[0, :, 3] = 0
    if photo.cut().dtype == np.uint8:
        layer = np.round(layer * 255).astype(np.uint8)
    changed = photo.with_layer(Spot(w, h, layer))
    packet = with_source_type(photo.metadata.xmp, "compositeWithTrainedAlgorithmicMedia")
    said = dataclasses.replace(photo.metadata, xmp=packet)
    return dataclasses.replace(changed, metadata=said)


def outside(photo: Photo) -> NDArray[np.bool_]:
    """Where `edited` changes nothing, [H, W]."""
    h, w = photo.height // 3, photo.width // 3
    same = np.ones((photo.height, photo.width), bool)
    same[h + 1 : 2 * h, w : 2 * w] = False
    return same


def through(path: Path, out: Path) -> Photo:
    """Read, edit and write; returns what was read."""
    photo = read_photo(path)
    check_output(out, photo)
    write_photo(edited(photo), out)
    return photo


def png_with(tmp_path: Path, chunks: list[png.PngChunk], dtype: Any = np.uint8) -> Path:
    """A file of noise with these chunks in it, in `tmp_path`."""
    import imagecodecs

    data = imagecodecs.png_encode(values_of(dtype, 3))
    (tmp_path / "in.png").write_bytes(png.with_chunks(data, chunks, same_kind=True))
    return tmp_path / "in.png"
