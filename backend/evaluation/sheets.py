"""Contact sheets: a row for each picture, a column for each way of editing it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from backend.editing.editor import Editor
from backend.evaluation.photo_set import generated_crops
from backend.models.generator import sample_z
from backend.models.pictures import grid
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


def part_columns(editor: Editor) -> Columns:
    """The parts of generated pictures in their colours, and where the heads disagree."""
    colors = np.array([part.color for part in editor.bundle.parts], np.uint8)
    columns: Columns = {"generated": [], "parts": [], "over each other": [], "uncertainty": []}
    for seed in range(_SAMPLES):
        photo = editor.open_sample(seed)
        picture = np.asarray(photo.pixels, np.uint8)
        parts = colors[photo.labels].repeat(len(picture) // len(photo.labels), axis=0)
        parts = parts.repeat(len(picture) // len(photo.labels), axis=1)
        both = (picture // 2 + parts // 2).astype(np.uint8)
        doubt = np.repeat(editor.uncertainty(photo).alpha[..., None], 3, axis=2)
        for column, tile in zip(columns.values(), (picture, parts, both, doubt), strict=True):
            column.append(tile)
    return columns


def preset_columns(editor: Editor, edits: Sequence[Edit]) -> Columns:
    """Each edit at its default scale."""
    deltas = {edit.info.title: edit.vector * np.float32(edit.info.default) for edit in edits}
    nothing = np.zeros_like(edits[0].vector)
    return _of_samples(editor, {"not edited": nothing, **deltas})


def scale_columns(editor: Editor, name: str, vector: NDArray[np.float32]) -> Columns:
    """One vector at several scales."""
    deltas = {f"{name} x {scale:g}": vector * np.float32(scale) for scale in _SCALES}
    return _of_samples(editor, deltas)


def _of_samples(editor: Editor, deltas: dict[str, NDArray[np.float32]]) -> Columns:
    """Generated pictures, seeds 0 upwards, not chosen: free to publish."""
    _, codes = editor.sample(sample_z(editor.bundle.config, range(_SAMPLES)))
    rows = [generated_crops(editor, w, list(deltas.values())) for w in codes.cpu().numpy()]
    return {name: list(crops) for name, crops in zip(deltas, zip(*rows, strict=True), strict=True)}
