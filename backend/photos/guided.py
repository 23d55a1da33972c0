"""The guided filter with a colour guide (He et al., ECCV 2010; fast form: arXiv 1505.00996)."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from backend.photos.arrays import Floats

_EVERYWHERE = slice(None), slice(None)


def guided_filter(
    guide: Floats, radius: int, epsilon: float, *, shrink: int = 1
) -> Callable[[Floats], Floats]:
    """Prepare a filter that redraws fields along the edges of `guide`.

    guide: float32 [H, W, 3] in 0..1. radius: half the window's side, in its pixels. epsilon:
    variance below which the guide counts as flat. shrink: statistics are computed on a grid that
    many times coarser. The returned function maps a field [H, W] to a field [H, W]. It is linear
    and keeps constants, so that fields which sum to one still do.
    """
    height, width = guide.shape[:2]
    coarse = (max(1, width // shrink), max(1, height // shrink))
    window = 2 * max(1, round(radius / shrink)) + 1

    def mean(field: Floats) -> Floats:
        return cv2.boxFilter(field, cv2.CV_32F, (window, window), borderType=cv2.BORDER_REFLECT)

    small = [cv2.resize(guide[..., i], coarse, interpolation=cv2.INTER_AREA) for i in range(3)]
    means = [mean(channel) for channel in small]
    inverse = _inverse_covariance(small, means, mean, epsilon)

    def apply(field: Floats) -> Floats:
        result = np.zeros((height, width), np.float32)
        values = cv2.resize(field, coarse, interpolation=cv2.INTER_AREA)
        whole = coarse[0] * shrink == width and coarse[1] * shrink == height
        here = _around(values, 2 * window) if whole else _EVERYWHERE
        values, there = values[here], _enlarged(here, shrink) if whole else _EVERYWHERE
        if not values.size:
            return result
        channels, centres = ([plane[here] for plane in planes] for planes in (small, means))
        average = mean(values)
        x, y, z = (
            mean(c * values) - m * average for c, m in zip(channels, centres, strict=True)
        )  # the covariance with each channel
        slopes = [a[here] * x + b[here] * y + c[here] * z for a, b, c in inverse]
        offset = average - sum(a * m for a, m in zip(slopes, centres, strict=True))
        part = result[there]
        part += _grow(mean(offset), *part.shape[::-1])
        for i, slope in enumerate(slopes):
            part += _grow(mean(slope), *part.shape[::-1]) * guide[..., i][there]
        return result

    return apply


def _around(field: Floats, margin: int) -> tuple[slice, slice]:
    """The rectangle of what is not zero, and `margin` pixels around it."""
    left, top, width, height = cv2.boundingRect((field != 0).astype(np.uint8))
    if not width:
        return slice(0), slice(0)
    rows = slice(max(top - margin, 0), top + height + margin)
    return rows, slice(max(left - margin, 0), left + width + margin)


def _enlarged(place: tuple[slice, slice], times: int) -> tuple[slice, slice]:
    """The same rectangle on a grid that is `times` finer."""
    rows, columns = (slice((s.start or 0) * times, s.stop * times) for s in place)
    return rows, columns


def _grow(field: Floats, width: int, height: int) -> Floats:
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)


def _inverse_covariance(
    channels: list[Floats], means: list[Floats], mean: Callable[[Floats], Floats], epsilon: float
) -> list[list[Floats]]:
    """The inverse of each window's 3 x 3 colour covariance plus epsilon, by cofactors."""
    cov = [
        [mean(a * b) - m * n + epsilon * (a is b) for b, n in zip(channels, means, strict=True)]
        for a, m in zip(channels, means, strict=True)
    ]
    cofactors = [
        [
            cov[(i + 1) % 3][(j + 1) % 3] * cov[(i + 2) % 3][(j + 2) % 3]
            - cov[(i + 1) % 3][(j + 2) % 3] * cov[(i + 2) % 3][(j + 1) % 3]
            for j in range(3)
        ]
        for i in range(3)
    ]
    determinant = sum(cov[0][j] * cofactors[0][j] for j in range(3))
    return [[cofactors[j][i] / determinant for j in range(3)] for i in range(3)]
