"""How one generator picture has to move to become another, and where that explains the change."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.photos.arrays import Bytes, Floats
from backend.photos.doubt import Doubt, grey_of
from backend.photos.warp import resize

_FLOW_SIZE = 512  # smaller pictures are upsampled: tenths of their pixels are then resolved
_SHIMMER = 1 / 255  # changes of grey or colour below this are no edit
_EXPLAINED = 0.25  # fraction of a change that motion must explain to be followed in full
_KNOWN, _NEW = 0.015, 0.04  # contrast of unexplained shapes: below, none are new; above, all are
_GAIN = (0.4, 2.5)  # how much weaker or stronger an old shape may become
_TOLERANCE = 0.006  # forward-backward disagreement that halves trust, in crop sides, at least


@dataclass(frozen=True, eq=False)
class Motion:
    """The change from a picture to its edited version, on a grid [S, S] over both.

    shift: float32 [S, S, 2] (x, y), where each edited pixel comes from, relative to itself, in
    sides of the pictures. residual: float32 [S, S, 3], what moving does not explain: after - before
    moved, in units of 0..1. trust: float32 [S, S] in 0..1, how far the motion can be believed.
    after: float32 [S, S, 3] in 0..1, the edited picture on this grid.
    """

    shift: Floats
    residual: Floats
    trust: Floats
    after: Floats


def estimate_motion(
    before: Floats,
    after: Floats,
    pixel: float,
    resolution: int | None = None,
    doubt: Doubt | None = None,
) -> Motion:
    """Dense motion between two generator pictures, float32 [n, n, 3] in 0..1.

    pixel: they are upsampled to a grid on which one of their pixels is so large. resolution: the
    side of the whole pictures, where these are parts of them. doubt: how far they can be believed;
    no doubt when None.
    """
    side = len(before)
    size = round(side * pixel)
    old, new = resize(before, size), resize(after, size)
    old_grey, new_grey = _grey_pair(old, new)
    flow = _blur(_dis(new_grey, old_grey, pixel), 0.5 * pixel)
    back = _dis(old_grey, new_grey, pixel)
    disagreement = cv2.magnitude(*cv2.split(flow + sample(back, flow)))
    # A large disagreement for the photo is still a small one for a generator of few pixels.
    tolerance = max(_TOLERANCE * (resolution or side), 1) * pixel
    trust = 1 / (1 + (disagreement / tolerance) ** 2)
    worth = _worth(new - old, new - sample(old, flow), pixel)
    flow *= worth[..., None]
    moved = sample(old, flow)
    doubt = doubt or Doubt.none(side)
    novelty = _novelty(moved, new, pixel, resize(doubt.shapes, size))
    trust = (1 - worth * (1 - trust)) * (1 - novelty)
    trust = _blur(trust.astype(np.float32), 0.5 * pixel + 1)
    return Motion(flow / size, _cleaned(new - moved, pixel, resize(doubt.colour, size)), trust, new)


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


def _worth(still: Floats, moved: Floats, pixel: float) -> Floats:
    """0..1 at every pixel: is there a change, and does moving explain a good part of it?

    still, moved: float32 [S, S, 3], what is left to add without and with motion. Where nothing is
    gained, flow has only followed the generator's shimmer.
    """
    left, rest = (_blur(_mean(np.abs(field)), 1.5 * pixel) for field in (still, moved))
    gain = left - rest
    return _blur(_smoothstep(gain / (left + 2 * _SHIMMER) / _EXPLAINED), 1.5 * pixel)


def _novelty(moved: Floats, new: Floats, pixel: float, unsure: Floats) -> Floats:
    """0..1 at every pixel: are there shapes that no moved, brighter or stronger old ones explain?

    There the photo's own detail would shine through what is new. A change of light or colour alone
    is not new: it suits the photo's detail. Nor is what stays within `unsure` [S, S].
    """
    a, b = (_detail(picture, 2 * pixel) for picture in (new, moved))
    energy, common = _blur(b * b, pixel), _blur(a * b, pixel)
    gain = np.clip(common / (energy + 1e-5), *_GAIN)
    unexplained = _blur(a * a, pixel) - 2 * gain * common + gain * gain * energy
    left = np.sqrt(np.maximum(unexplained, 0))
    return _smoothstep((left - unsure - _KNOWN) / (_NEW - _KNOWN))


def _mean(field: Floats) -> Floats:
    """Over the three channels of [S, S, 3]; numpy takes ten times as long."""
    return cv2.transform(field, np.full((1, 3), 1 / 3, np.float32))


def _detail(picture: Floats, sigma: float) -> Floats:
    grey = grey_of(picture)[..., 0]
    return grey - _blur(grey, sigma)


def _smoothstep(x: Floats) -> Floats:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _cleaned(residual: Floats, pixel: float, unsure: Floats) -> Floats:
    """A residual without what only shows the generator's grid, shimmer and wrong colours.

    Nothing finer than a generator pixel is known of it, of its colour even less (as in a JPEG), and
    differences of one 8-bit level are noise, as are those of colour within `unsure` [S, S].
    """
    grey = grey_of(residual)
    colour = _blur(residual - grey, 1.2 * pixel)
    energy = 3 * _mean(colour * colour)[..., None]
    colour *= energy / (energy + (unsure * unsure)[..., None] + np.float32(1e-8))
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
    method.setFinestScale(1 if pixel >= 4 or len(source) > _FLOW_SIZE else 0)
    method.setVariationalRefinementDelta(15)  # trust colour over gradients: noise is mostly fine
    return method.calc(source, target, np.zeros((*source.shape, 2), np.float32))
