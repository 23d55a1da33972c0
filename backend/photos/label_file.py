"""A photo's parts as an indexed PNG that any paint program can edit, and reading it back.

The palette index of a pixel is its part's index; OUTSIDE is what lies beyond the subject's frame.
An edited copy may be RGB as well, as long as only the palette's colours occur.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from backend.errors import BadImage, NothingChanged, WrongBundle
from backend.photos.files import reading
from backend.photos.formats import open_picture
from backend.photos.label_edit import PaintedLayer
from backend.photos.output import replace_file
from backend.photos.parts import ColoredPart, PartMask
from protocol.typed import ProtocolError, from_known

OUTSIDE = 255
_UNKNOWN = 254
_OPAQUE = 128
_KEY = "editgan"

Labels = NDArray[np.uint8]
Color = tuple[int, int, int]


@dataclass(frozen=True)
class LabelMeaning:
    """What the pixels of a label picture stand for.

    bundle: the name of the bundle that the parts are of. level: how the photo was embedded.
    generator: sha256 of the model's weights; labels of another version do not fit.
    """

    bundle: str
    parts: Sequence[ColoredPart]
    level: str = ""
    generator: str = ""

    def colors(self) -> dict[int, Color]:
        """The palette: colour by label, OUTSIDE included (black, or the nearest free grey)."""
        colors = {p.index: (int(p.color[0]), int(p.color[1]), int(p.color[2])) for p in self.parts}
        taken = set(colors.values())
        colors[OUTSIDE] = next(c for c in ((v, v, v) for v in range(256)) if c not in taken)
        return colors


def label_map(masks: Sequence[PartMask], width: int, height: int) -> Labels:
    """The part with the largest alpha at every pixel, uint8 [height, width]; else OUTSIDE.

    The masks' alphas add up to 255 inside the subject's frame, so half of that is its border.
    """
    labels = np.full((height, width), OUTSIDE, np.uint8)
    best = np.zeros((height, width), np.uint8)
    total = np.zeros((height, width), np.uint16)
    for mask in masks:
        h, w = mask.alpha.shape
        area = np.s_[mask.y : mask.y + h, mask.x : mask.x + w]
        total[area] += mask.alpha
        wins = mask.alpha > best[area]
        labels[area][wins] = mask.index
        np.maximum(best[area], mask.alpha, out=best[area])
    labels[total < _OPAQUE] = OUTSIDE
    return labels


def write_labels(labels: Labels, meaning: LabelMeaning, path: Path) -> None:
    """Write uint8 [H, W] as an indexed PNG with names and palette. Raises BadImage."""
    if path.suffix.lower() != ".png":
        raise BadImage(f"Parts are written as PNG; give '{path.name}' the ending .png.")
    colors = meaning.colors()
    palette = [value for label in range(256) for value in colors.get(label, colors[OUTSIDE])]
    image = Image.fromarray(labels)
    image.putpalette(palette)
    names = [p.name for p in sorted(meaning.parts, key=lambda part: part.index)]
    about = {
        "bundle": meaning.bundle,
        "parts": {str(p.index): p.name for p in meaning.parts},
        "outside": OUTSIDE,
        "level": meaning.level,
        "generator": meaning.generator,
    }
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Description", f"Parts ({meaning.bundle}), by palette index: {', '.join(names)}")
    texts.add_itxt(_KEY, json.dumps(about, ensure_ascii=False))
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=texts)
    replace_file(path, file.getvalue())


@dataclass(frozen=True)
class LabelNote:
    """What `write_labels` noted in a file: names of the bundle, the level and the parts by index,
    and the generator's sha256. Nothing is left where a paint program dropped it."""

    bundle: str | None = None
    level: str | None = None
    generator: str | None = None
    parts: dict[str, str] = field(default_factory=dict)


def read_note(path: Path) -> LabelNote:
    """What is noted in a file of labels."""
    with reading(path), open_picture(path) as image:
        image.load()
        text = image.info.get(_KEY, "{}")
    try:
        found = json.loads(text)
        note: LabelNote = from_known(LabelNote, found, (), path.name)
    except (ValueError, TypeError, ProtocolError):
        return LabelNote()
    return note


def read_labels(path: Path, meaning: LabelMeaning, size: tuple[int, int]) -> Labels:
    """The labels of an edited copy, uint8 [H, W]; transparent pixels are OUTSIDE.

    size: the photo's (width, height). Colours count, not palette indices: paint programs sort
    palettes. Raises WrongBundle for another bundle's parts, BadImage for anything else.
    """
    _check_note(read_note(path), path, meaning)
    with reading(path), open_picture(path) as image:
        if image.size != size:
            raise BadImage(
                f"{path.name} has {image.width} x {image.height} pixels but the photo has "
                f"{size[0]} x {size[1]}; edit the picture that 'segment' wrote for this photo."
            )
        alpha = image.has_transparency_data
        pixels = np.asarray(image.convert("RGBA" if alpha else "RGB"))
    codes = _codes(pixels)
    labels = np.full(codes.shape, _UNKNOWN, np.uint8)
    for label, color in meaning.colors().items():
        labels[codes == _code(color)] = label
    if alpha:
        labels[pixels[..., 3] < _OPAQUE] = OUTSIDE
    unknown = labels == _UNKNOWN
    if unknown.any():
        raise _unknown_colors(path, codes[unknown], unknown, labels, meaning.bundle)
    return labels


def _check_note(note: LabelNote, path: Path, meaning: LabelMeaning) -> None:
    named = note.bundle or meaning.bundle
    if named != meaning.bundle:
        raise WrongBundle(
            f"{path.name} holds parts of the model '{named}', not of '{meaning.bundle}'; "
            f"use --bundle {named}, or segment the photo again."
        )
    if meaning.generator and (note.generator or meaning.generator) != meaning.generator:
        raise WrongBundle(
            f"{path.name} was made with another version of the model '{named}'; "
            "segment the photo again."
        )


def painted_layers(masks: Sequence[PartMask], before: Labels, after: Labels) -> list[PaintedLayer]:
    """The edited labels as part layers, for Editor.repaint.

    masks: as drawn. before: `label_map(masks)`. after: what the user made of it, the same shape.
    A label painted over another part adds to its own layer only; the other layer stays (the new
    label wins). OUTSIDE painted over a part erases it. Raises NothingChanged.
    """
    changed = before != after
    if not changed.any():
        raise NothingChanged("The parts are as 'segment' wrote them; repaint some first.")
    height, width = before.shape
    layers = []
    for mask in masks:
        added = changed & (after == mask.index)
        removed = changed & (before == mask.index) & (after == OUTSIDE)
        if not added.any() and not removed.any():
            layers.append(PaintedLayer(mask.name, mask.x, mask.y, mask.alpha))
            continue
        alpha = np.zeros((height, width), np.uint8)
        h, w = mask.alpha.shape
        alpha[mask.y : mask.y + h, mask.x : mask.x + w] = mask.alpha
        alpha[added], alpha[removed] = 255, 0
        layers.append(PaintedLayer(mask.name, 0, 0, alpha))
    return layers


def _code(color: Color) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


def _codes(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    wide = pixels.astype(np.uint32)
    codes: NDArray[np.uint32] = wide[..., 0] * 65536 + wide[..., 1] * 256 + wide[..., 2]
    return codes


def _unknown_colors(
    path: Path, codes: NDArray[np.uint32], unknown: NDArray[np.bool_], labels: Labels, bundle: str
) -> BadImage | WrongBundle:
    colors, counts = np.unique(codes, return_counts=True)
    most = np.argsort(-counts)[:5]
    listed = ", ".join(f"#{colors[i]:06x} ({counts[i]} pixels)" for i in most)
    more = f" and {len(colors) - 5} more" if len(colors) > 5 else ""
    if unknown.sum() > 0.5 * (labels != OUTSIDE).sum():
        return WrongBundle(
            f"{path.name} is not painted in the colours of the model '{bundle}' "
            f"({listed}{more}); edit the picture that 'segment' wrote."
        )
    return BadImage(
        f"{path.name} holds colours that belong to no part: {listed}{more}; "
        "paint with a hard brush without antialiasing, in the palette's colours."
    )
