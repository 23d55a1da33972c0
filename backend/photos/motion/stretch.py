"""Skin and hair drawn along the columns of a grid, for what covers something else."""

from __future__ import annotations

import cv2
import numpy as np

from backend.photos.arrays import Floats

_EVEN = 0.5  # share of a stretch that is even; the rest spares both of its ends
_ROUND = 1.5 / 128  # blur of outlines from column to column, in sides


def pulled_along(way: Floats) -> Floats:
    """Where each pixel of a column [n] comes from, relative to itself, when pixel i moves by
    `way[i]`; the order of the pixels has to stay."""
    rows = np.arange(len(way), dtype=np.float32)
    return np.interp(rows, rows + way, rows).astype(np.float32) - rows


def in_order(field: Floats) -> Floats:
    """Where pixels of columns come from, [n, n], as far as none overtakes another."""
    rows = np.arange(len(field), dtype=np.float32)[:, None]
    return np.maximum.accumulate(rows + field, axis=0) - rows


def eased(share: Floats) -> Floats:
    """0..1 with little slope at both ends, where edges keep their shape."""
    return _EVEN * share + (1 - _EVEN) * share * share * (3 - 2 * share)


def smooth_line(line: Floats) -> Floats:
    """A value for each column [n], without jumps."""
    values = np.asarray(line, np.float32)[None]
    sigma = _ROUND * values.size
    return cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]


def smooth_across(field: Floats) -> Floats:
    """A field [n, n] of columns, without jumps between them."""
    return cv2.GaussianBlur(field, (0, 0), sigmaX=_ROUND * len(field), sigmaY=1e-3)
