"""The types of the messages' fields: annotations that say what a value may be (see typed.py)."""

from __future__ import annotations

from typing import Annotated, Literal

from protocol import geometry
from protocol.typed import Matches, PixelLayout, Pixels, Range, require

MAX_W_DIM, MAX_N_WS = 4096, 64  # of a latent code

Name = Annotated[str, Matches(lambda s: 0 < len(s) <= 200, "a name of 1 to 200 characters")]
Size = Annotated[int, Range(1, 1 << 18)]
Count = Annotated[int, Range(0, 100_000)]
Byte = Annotated[int, Range(0, 255)]
Fraction = Annotated[float, Range(0, 1)]
Scale = Annotated[float, Range(-100, 100)]
Level = Literal["fast", "balanced", "faithful"]
Rect = Annotated[  # x, y, width, height; may lie partly outside the photo
    geometry.Rect,
    Matches(lambda r: min(r[2:]) > 0 and max(r[2:]) <= 1 << 18, "a rectangle of positive size"),
    Matches(lambda r: max(abs(r.x), abs(r.y)) <= 1 << 20, "a rectangle near the photo"),
]
Quad = Annotated[  # corners top-left, bottom-left, bottom-right, top-right; may leave the photo
    tuple[float, float, float, float, float, float, float, float],
    Matches(lambda q: max(map(abs, q)) <= 1 << 20, "corners near the photo"),
]
Preview8 = Annotated[Pixels, PixelLayout((("u8", 3),))]  # R'G'B', sRGB
Photo = Annotated[
    Pixels, PixelLayout((("u8", 3), ("f32", 4)))
]  # R'G'B' u8 or R'G'B'A float, sRGB curve
Layer = Annotated[Pixels, PixelLayout((("u8", 4), ("f32", 4)))]  # R'G'B'A, as the photo came
Mask = Annotated[Pixels, PixelLayout((("u8", 1),))]  # alpha, or a part index per pixel
Latent = Annotated[  # [n_ws, w_dim]
    Pixels, PixelLayout((("f32", 1),), finite=True, largest=(MAX_W_DIM, MAX_N_WS))
]
Side = Annotated[int, Range(16, 512)]  # of a square picture of the aligned subject


def check_fit(pixels: Pixels, rect: geometry.Rect) -> None:
    """Raises ProtocolError unless the pixels have the size of the rectangle that they fill."""
    require((pixels.width, pixels.height) == tuple(rect[2:]), "rect", "the size of the pixels")
