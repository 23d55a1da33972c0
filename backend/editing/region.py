"""The region of interest r: where an edit may change the picture (paper eq. 1)."""

from __future__ import annotations

import math
from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.photos.feather import FEATHER

_BUFFER_AT_512 = 5  # pixels, "to give the GAN freedom in modeling the transition"


def buffer_pixels(resolution: int) -> int:
    """The paper's 5-pixel buffer, scaled from 512; at least one."""
    return max(1, round(_BUFFER_AT_512 * resolution / 512))


def dilate(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Grow a mask [R, R] by a disc of `radius` pixels."""
    size = 2 * radius + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cv2.dilate(mask.astype(np.uint8), disc).astype(bool)


def region_of_interest(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    edited: Collection[int],
    large: Collection[int] = (),
    changed: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """r = {p : before_p in Q_edit} or {p : after_p in Q_edit}, dilated by the buffer (eq. 1).

    before, after: labels, uint8 [R, R]; edited: Q_edit as label values; changed: more pixels to
    include. Parts in `large` (skin, hair, background) count only where the label changes: the whole
    part would free most of the picture.
    """
    small = [index for index in edited if index not in large]
    region = np.isin(before, small) | np.isin(after, small)
    region |= (before != after) & (np.isin(before, list(edited)) | np.isin(after, list(edited)))
    if changed is not None:
        region |= changed
    return dilate(region, buffer_pixels(before.shape[0]))


def shown_region(region: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a composite may show an edit of region r [L, L]: bool [R, R], like valid, the photo.

    It reaches a feather's width beyond r, where the composite fades: parts end at the border of r,
    and a fade inside it would show half of their old shape.
    """
    side = len(valid)
    whole = cv2.resize(region.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    return dilate(whole > 0, math.ceil(FEATHER * side)) & valid
