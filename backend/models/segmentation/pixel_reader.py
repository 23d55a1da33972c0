"""Reading feature maps at a few pixels of a larger map, as if they had been upsampled to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch import Tensor

from backend.models.segmentation.bilinear import neighbours, pixel_centres
from backend.models.segmentation.pyramid import MapPyramid
from backend.models.segmentation.sparse import Interpolation


def sample_at(feature: Tensor, pixels: Tensor, resolution: int) -> Tensor:
    """Bilinear samples of a feature map, as if it had been upsampled to `resolution`.

    feature: (1, C, h, w); pixels: (N,) flat indices into a resolution x resolution map. Returns
    (N, C).
    """
    rows, weights = neighbours(pixel_centres(pixels, resolution), feature.shape[-1])
    return (as_rows(feature)[rows] * weights[..., None].to(feature.dtype)).sum(dim=1)


def as_rows(feature: Tensor) -> Tensor:
    """(1, C, h, w) -> (h * w, C); a view when the map is channels_last."""
    # permute, not select and transpose: its gradient is a view as well.
    return feature.permute(0, 2, 3, 1).flatten(0, 2)


class PixelReader:
    """Where N fixed pixels of a resolution x resolution map find their values in smaller maps.

    coarse: sides of the maps of which fewer than N pixels count. It pays to compute on these and
    to interpolate the results; the other maps are interpolated first.
    """

    def __init__(self, pixels: Tensor, resolution: int, sides: Collection[int]) -> None:
        """pixels: (N,) flat indices; sides: the sides of the maps that will be read."""
        self.count = len(pixels)
        self._needed: dict[int, Tensor] = {}  # (M,) flat indices into each map
        self._fine: dict[int, Interpolation] = {}
        places, coarse = pixel_centres(pixels, resolution), {}
        for side in sorted(set(sides)):
            if side == resolution:
                self._needed[side] = pixels
                continue
            index, weights = neighbours(places, side)
            self._needed[side], index = index.unique(return_inverse=True)
            found = index, weights, len(self._needed[side])
            if len(self._needed[side]) < len(pixels):
                coarse[side] = found
            else:
                self._fine[side] = Interpolation.of(*found)
        self.coarse = list(coarse)
        given = {side: self._needed[side] for side in coarse}
        self._coarse = MapPyramid(places, resolution, given, coarse) if coarse else None

    def read(self, feature: Tensor) -> Tensor:
        """What counts of a map (1, C, side, side): (M, C) of a coarse one, else (N, C)."""
        side = feature.shape[-1]
        rows = as_rows(feature).index_select(0, self._needed[side])
        return self._fine[side](rows) if side in self._fine else rows

    def interpolate(self, results: Sequence[Tensor], bias: Tensor) -> Tensor:
        """Add up results (M, C), one for each coarse side, at the N pixels, and bias: (N, C)."""
        if self._coarse is None:
            return bias.repeat(self.count, 1)
        return self._coarse([results[0] + bias.to(results[0].dtype), *results[1:]])

    @property
    def places(self) -> int:
        """How many places of all coarse maps together count."""
        return sum(len(self._needed[side]) for side in self.coarse)

    def spread(self, gradient: Tensor) -> Tensor:
        """The gradients of `interpolate`'s results, one below the other: (places, C)."""
        return gradient[:0] if self._coarse is None else self._coarse.transposed(gradient)

    def by_coarse_side(self, rows: Tensor) -> dict[int, Tensor]:
        """Rows (places, C), taken apart by the side of their map."""
        counts = [len(self._needed[side]) for side in self.coarse]
        return dict(zip(self.coarse, rows.split(counts), strict=True)) if counts else {}
