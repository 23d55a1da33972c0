"""Contact sheets: a row for each picture, a column for each way of editing it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.evaluation.album import rebuilt_crop
from backend.training.pictures import grid
from edit_library import Edit

Columns = dict[str, list[NDArray[np.uint8]]]  # heading -> pictures [S, S, 3], as many in each

_TILE = 128
_HEADER = 30
_SAMPLES = 6
_SCALES = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0)


def save_sheet(path: Path, columns: Columns) -> None:
    """Write a JPEG, a row for each picture."""
    names, pictures = list(columns), list(columns.values())
    size = (_TILE, _TILE)
    tiles = [
        cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
        for row in zip(*pictures, strict=True)
        for picture in row
    ]
    body = Image.fromarray(grid(np.stack(tiles), len(names)))
    sheet = Image.new("RGB", (body.width, body.height + _HEADER), "white")
    sheet.paste(body, (0, _HEADER))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for i, name in enumerate(names):
        words = name.split()
        half = (len(words) + 1) // 2
        text = name if len(name) < 20 else f"{' '.join(words[:half])}\n{' '.join(words[half:])}"
        draw.multiline_text((i * _TILE + 4, 2), text, "black", font, spacing=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, quality=85)


def preset_columns(editor: Editor, photos: Sequence[OpenPhoto], edits: Sequence[Edit]) -> Columns:
    """Each edit at its default scale, as the generator shows it."""
    columns: Columns = {"not edited": [rebuilt_crop(photo) for photo in photos]}
    for edit in edits:
        scaled = [ScaledEdit(edit.vector, edit.info.parts, edit.info.default)]
        columns[edit.info.title] = [editor.preview(photo, scaled).crop for photo in photos]
    return columns


def scale_columns(
    editor: Editor, photos: Sequence[OpenPhoto], name: str, vector: NDArray[np.float32]
) -> Columns:
    """One vector at several scales, as the generator shows it."""
    columns: Columns = {}
    for scale in _SCALES:
        edit = [ScaledEdit(vector, (), scale)]
        columns[f"{name} x {scale:g}"] = [editor.preview(photo, edit).crop for photo in photos]
    return columns


def samples(editor: Editor, count: int = _SAMPLES) -> list[OpenPhoto]:
    """Generated pictures, seeds 0 upwards, not chosen: free to publish."""
    return [editor.open_sample(seed) for seed in range(count)]
