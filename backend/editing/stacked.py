"""Several edits of one photo: where they may show, and what of them was painted on that photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.editing.options import ScaledEdit
from backend.photos.label_edit import REMOVED, UNKNOWN, LabelEdit

Labels = NDArray[np.uint8]  # [L, L]
Region = NDArray[np.bool_]  # [L, L]
RegionOf = Callable[[Labels, Sequence[str], "Region | None"], Region]

_WHOLE = 1.0  # from this scale on the photo shows all that was painted


def region_of_edits(
    edits: Sequence[ScaledEdit], before: Labels, after: Labels, region_of: RegionOf
) -> Region:
    """The union of the edits' regions of interest (eq. 1).

    before, after: the photo's labels and those of the edited picture. A vector alone shows wherever
    `after` differs; what was painted on this photo shows there only. region_of(after, parts,
    changed) is the region of one edit; changed: more pixels to include.
    """
    plain = [name for edit in edits if edit.painted is None for name in edit.parts]
    region = region_of(after, list(dict.fromkeys(plain)), None)
    for edit in edits:
        if edit.painted is not None:
            painted = edit.painted.on(before)
            region = region | region_of(painted.target, edit.parts, painted.changed)
    return region


def painted_in(edits: Sequence[ScaledEdit], before: Labels) -> LabelEdit | None:
    """What was painted on this photo, the first edit lying on top; None where nothing was.

    before: the photo's labels. What is applied in less than full strength has the shapes of the
    edited picture there, not those that were painted.
    """
    claims, names = np.full(before.shape, UNKNOWN, np.uint8), dict[str, None]()
    for edit in reversed(edits):
        if edit.painted is None:
            continue
        painted = edit.painted.on(before)
        whole = painted.packed() if edit.applied >= _WHOLE else REMOVED + before
        claims = np.where(painted.changed, whole, claims).astype(np.uint8)
        names.update(dict.fromkeys(edit.parts))
    return LabelEdit.unpacked(claims, before, tuple(names)) if names else None
