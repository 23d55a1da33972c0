"""How one generator picture has to move to become another, and where that explains the change."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.photos.arrays import Bytes, Floats
from backend.photos.warp import resize

_FLOW_SIZE = 512  # smaller pictures are upsampled: tenths of their pixels are then resolved
_SHIMMER = 1 / 255  # changes of grey or colour below this are no edit
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
    pixel = size / before.shape[0]  # one generator pixel on this grid
    old_grey, new_grey = _grey_pair(old, new)
    flow = _blur(_dis(new_grey, old_grey, pixel), 0.5 * pixel)
    back = _dis(old_grey, new_grey, pixel)
    disagreement = np.linalg.norm(flow + sample(back, flow), axis=2) / size
    trust = 1 / (1 + (disagreement / _TOLERANCE) ** 2)
    trust = _blur(trust.astype(np.float32), 0.5 * pixel + 1)
    return Motion(flow / size, _cleaned(new - sample(old, flow), pixel), trust, new)


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


def _cleaned(residual: Floats, pixel: float) -> Floats:
    """A residual without what only shows the generator's grid and shimmer.

    Nothing finer than a generator pixel is known of it, of its colour even less (as in a JPEG), and
    differences of one 8-bit level are noise.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(residual), cv2.COLOR_RGB2GRAY)[..., None]
    colour = _blur(residual - grey, 1.2 * pixel)
    clean = _blur(grey, 0.5 * pixel).reshape(grey.shape) + colour
    square = clean * clean
    return clean * square / (square + np.float32(_SHIMMER**2))


def _blur(field: Floats, sigma: float) -> Floats:
    return cv2.GaussianBlur(field, (0, 0), sigma)


def _grey_pair(old: Floats, new: Floats) -> tuple[Bytes, Bytes]:
    """Both pictures in grey, uint8, stretched together: DIS reads 8 bits."""
    greys = [cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY) for p in (old, new)]
    low, high = np.percentile(np.stack(greys), (0.5, 99.5))
    scale = 255 / max(high - low, 0.05)
    first, second = ((np.clip((g - low) * scale, 0, 255)).astype(np.uint8) for g in greys)
    return first, second


def _dis(source: Bytes, target: Bytes, pixel: float) -> Floats:
    """Dense inverse search (Kroeger et al., ECCV 2016): source(x) is found at target(x + flow)."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(1 if pixel >= 4 else 0)
    method.setVariationalRefinementDelta(15)  # trust colour over gradients: noise is mostly fine
    return method.calc(source, target, np.zeros((*source.shape, 2), np.float32))
