"""How one generator picture has to move to become another, and where that explains the change."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.photos.arrays import Bytes, Floats
from backend.photos.warp import resize

_FLOW_SIZE = 512  # smaller pictures are upsampled: tenths of their pixels are then resolved
_TOLERANCE = 0.006  # forward-backward disagreement that halves trust, in crop sides


@dataclass(frozen=True, eq=False)
class Motion:
    """The change from a picture to its edited version, on a grid [S, S] over the crop.

    shift: float32 [S, S, 2] (x, y), where each edited pixel comes from, relative to itself, in crop
    sides. residual: float32 [S, S, 3], what moving does not explain: after - before moved, in units
    of 0..1. trust: float32 [S, S] in 0..1, how far the motion can be believed.
    after: float32 [S, S, 3] in 0..1, the edited picture on this grid.
    """

    shift: Floats
    residual: Floats
    trust: Floats
    after: Floats


def estimate_motion(before: Floats, after: Floats) -> Motion:
    """Dense motion between two generator pictures, float32 [R, R, 3] in 0..1."""
    size = max(_FLOW_SIZE, before.shape[0])
    old, new = resize(before, size), resize(after, size)
    old_grey, new_grey = _grey_pair(old, new)
    flow = _dis(new_grey, old_grey)
    back = _dis(old_grey, new_grey)
    disagreement = np.linalg.norm(flow + sample(back, flow), axis=2) / size
    trust = 1 / (1 + (disagreement / _TOLERANCE) ** 2)
    trust = cv2.GaussianBlur(trust.astype(np.float32), (0, 0), size / before.shape[0] / 2 + 1)
    return Motion(flow / size, new - sample(old, flow), trust, new)


def sample(field: Floats, flow: Floats) -> Floats:
    """A field [S, S, n] read at every pixel's own place plus flow [S, S, 2] pixels."""
    rows, columns = np.indices(flow.shape[:2], dtype=np.float32)
    return cv2.remap(
        field,
        columns + flow[..., 0],
        rows + flow[..., 1],
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _grey_pair(old: Floats, new: Floats) -> tuple[Bytes, Bytes]:
    """Both pictures in grey, uint8, stretched together: DIS reads 8 bits."""
    greys = [cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY) for p in (old, new)]
    low, high = np.percentile(np.stack(greys), (0.5, 99.5))
    scale = 255 / max(high - low, 0.05)
    first, second = ((np.clip((g - low) * scale, 0, 255)).astype(np.uint8) for g in greys)
    return first, second


def _dis(source: Bytes, target: Bytes) -> Floats:
    """Dense inverse search (Kroeger et al., ECCV 2016): source(x) is found at target(x + flow)."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(1)
    return method.calc(source, target, np.zeros((*source.shape, 2), np.float32))
