"""What an edit looks like so far: on the photo itself, small and quick."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.editing.preview.networks import GRID, on_grid
from backend.editing.progress import Progress, ProgressCallback
from backend.photos.align import CropFrame, extract
from backend.photos.composite import ResultLayer, draw, plan
from backend.photos.cv import resize
from backend.photos.motion.estimate import GRID as MOTION_GRID
from backend.photos.motion.part_change import PartChange
from backend.photos.motion.registration import FOLLOWING, QUICK
from backend.photos.pixels import from_bytes, to_bytes

SIDE = 320  # of the picture, unless the subject is smaller in the photo


class OptimisationPreview:
    """Draws the aligned crop of a photo with an edit that is still being optimised.

    photo: uint8 or float32 [H, W, 3 or 4]; before: float32 [R, R, 3] in [-1, 1], the photo's
    reconstruction; region: bool [R, R], what may change; parts: what happens to its parts.
    """

    def __init__(
        self,
        photo: NDArray[np.generic],
        frame: CropFrame,
        before: NDArray[np.float32],
        region: NDArray[np.bool_],
        parts: PartChange,
    ) -> None:
        side = int(np.clip(round(frame.size), before.shape[0], SIDE))
        crop, _ = extract(photo, frame, side)
        self._crop = to_bytes(crop)
        self._frame = CropFrame(np.array([[0, 0], [0, side], [side, side], [side, 0]], float))
        self._before, self._region = _small(before), on_grid(region)
        self._parts = parts.with_alignment(MOTION_GRID)
        self._velocity: NDArray[np.float32] | None = None
        self.outline = outline(region, side)

    def draw(self, after: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """after: uint8 [R, R, 3], the generator's picture. Returns uint8 [S, S, 3]."""
        new = from_bytes(_small(after.astype(np.float32)))
        change = plan(
            self._crop,
            self._frame,
            self._before,
            new,
            self._region,
            self._parts,
            start=self._velocity,
            stages=QUICK if self._velocity is None else FOLLOWING,
        )
        self._velocity = change.velocity  # the next picture of the descent moves much like this one
        return laid_over(self._crop, draw(self._crop, self._frame, change, grid=GRID))

    def through(self, progress: ProgressCallback) -> ProgressCallback:
        """`progress`, its pictures of the generator replaced by those of the photo."""

        def shown(step: Progress) -> bool | None:
            picture = step.preview
            draw = (lambda: self.draw(picture())) if picture else None
            return progress(Progress(step.fraction, step.text, draw, self.outline))

        return shown


def _small(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture [R, R, 3], at most GRID pixels wide: enough for motion at this size."""
    if len(picture) <= GRID:
        return picture
    return resize(picture, (GRID, GRID), cv2.INTER_AREA)


def laid_over(photo: NDArray[np.uint8], layer: ResultLayer) -> NDArray[np.uint8]:
    """A copy of `photo` [H, W, 3] under a layer, at 8 bits."""
    h, w = layer.pixels.shape[:2]
    shown = photo.copy()
    under = shown[layer.y : layer.y + h, layer.x : layer.x + w]
    alpha = layer.pixels[..., 3:].astype(np.float32) / 255
    under[:] = np.rint(under + alpha * (layer.pixels[..., :3].astype(np.float32) - under))
    return shown


def outline(region: NDArray[np.bool_], side: int) -> NDArray[np.uint8]:
    """The edge of a region [R, R] as a smooth thin line: uint8 [side, side], 255 on the line."""
    blurred = cv2.GaussianBlur(region.astype(np.float32), (0, 0), 0.7)
    soft = cv2.resize(blurred, (side, side), interpolation=cv2.INTER_CUBIC)
    edges, _ = cv2.findContours((soft > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    line = np.zeros((side, side), np.uint8)
    cv2.drawContours(line, edges, -1, 255, 1, cv2.LINE_AA)
    return line
