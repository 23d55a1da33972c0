"""Sets of pictures that are aligned already, such as FFHQ's: folders, ZIP archives and tar shards
(WebDataset's), read where they lie, one picture at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.errors import BadImage
from backend.training.sources import find_sources


class AlignedSources:
    """The pictures of one place, like a uint8 [N, R, R, 3]; only their names are in memory.

    names: `folder/file`, or `archive/member`. All are as large as the first. Raises BadImage where
    there are none.
    """

    def __init__(self, place: Path) -> None:
        try:
            self._sources = list(find_sources([place]))
        except BadImage as error:
            raise BadImage(
                f"{place} holds no aligned pictures; 'editgan train align' makes them."
            ) from error
        self._place = place
        self.names = [source.name for source in self._sources]
        self._side = 0
        self._side = len(self[0])

    def __len__(self) -> int:
        return len(self._sources)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self), self._side, self._side, 3

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """uint8 [R, R, 3]; raises BadImage for a picture of another shape, or a damaged one."""
        picture = self._sources[index].read()
        side = self._side or len(picture)
        if picture.shape != (side, side, 3):
            height, width = picture.shape[:2]
            raise BadImage(
                f"{self.names[index]} has {width} x {height} pixels, not {side} x {side}: the "
                f"pictures in {self._place} are not aligned; 'editgan train align' does it."
            )
        return picture
