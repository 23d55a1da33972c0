"""Outlines of parts, read off an enlarged photo, and painting them onto label maps.

A file of outlines is JSON: for each picture's name a list of `[what, points]`, painted in order.
`what` is a part, "unlabelled", or "PART over PART, PART": painted only where those are now.
`points` are a polygon in photo pixels, as in SVG ("x,y x,y ..."), or "ellipse x,y rx,ry degrees".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage
from backend.training.labelled import UNLABELLED

_SHIFT = 4  # bits of sub-pixel precision in OpenCV's polygons


@dataclass(frozen=True, eq=False)
class Outline:
    """A closed polygon of one part: points float [N, 2] in pixels, x right, y down.

    part: a name or "unlabelled". over: the only parts that it may replace; empty: all.
    """

    part: str
    points: NDArray[np.float64]
    over: tuple[str, ...] = ()


def paint(
    labels: NDArray[np.uint8], outlines: Iterable[Outline], parts: Sequence[str]
) -> NDArray[np.uint8]:
    """A copy of a label map uint8 [H, W] with outlines painted on it, later ones over earlier.

    Raises BadImage for a part that is not in `parts`.
    """
    labels = labels.copy()
    for outline in outlines:
        inside = np.zeros(labels.shape, np.uint8)
        # OpenCV's integer coordinates are the centres of pixels.
        corners = np.round((outline.points - 0.5) * 2**_SHIFT).astype(np.int32)
        cv2.fillPoly(inside, [corners], 1, shift=_SHIFT)
        mask = inside == 1
        if outline.over:
            mask &= np.isin(labels, [_value(name, parts) for name in outline.over])
        labels[mask] = _value(outline.part, parts)
    return labels


def _value(name: str, parts: Sequence[str]) -> int:
    if name == "unlabelled":
        return UNLABELLED
    if name not in parts:
        raise BadImage(f"There is no part '{name}'; known: {', '.join(parts)}, unlabelled.")
    return parts.index(name)


def read_outlines(path: Path) -> Mapping[str, list[Outline]]:
    """Outlines by picture; raises BadImage."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: [_outline(what, points) for what, points in items] for name, items in data.items()
        }
    except (OSError, AttributeError, TypeError, ValueError) as error:
        raise BadImage(f"{path} cannot be read as outlines ({error}).") from error


def _outline(what: str, points: str) -> Outline:
    part, _, over = what.partition(" over ")
    return Outline(part, _points(points), tuple(over.split(", ")) if over else ())


def _points(text: str) -> NDArray[np.float64]:
    if text.startswith("ellipse "):
        centre, radii, degrees = text.removeprefix("ellipse ").split()
        turns = np.linspace(0, 2 * np.pi, 36, endpoint=False)
        circle = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        turn = np.deg2rad(float(degrees))
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return circle * _pair(radii) @ rotation + _pair(centre)
    return np.stack([_pair(point) for point in text.split()])


def _pair(text: str) -> NDArray[np.float64]:
    x, y = text.split(",")
    return np.array([float(x), float(y)])
