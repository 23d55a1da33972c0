"""What happens to a subject's parts, told in the photo's own coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from backend.photos.arrays import Bytes, Flags, Floats
from backend.photos.label_edit import LabelEdit
from backend.photos.motion.diffeomorphism import fold_free, warp
from backend.photos.motion.opening import drifted, less_open
from backend.photos.motion.registration import COARSE, RegisteredMaps, register
from backend.photos.motion.roles import PartRoles

_BORDER = 0.03  # of the square, where a reconstruction is not aligned


@dataclass(frozen=True, eq=False)
class PartMaps:
    """Parts on a grid, float32 [n, n, C] in 0..1, a map for each channel of the roles.

    photo: what the photo shows; old: the same as the generator tells it, from which new, what it
    should show, differs by the edit alone. drawn: what the edited picture shows.
    """

    photo: Floats
    old: Floats
    new: Floats
    drawn: Floats
    roles: PartRoles

    @classmethod
    def unknown(cls, size: int) -> PartMaps:
        """Of a subject whose parts nobody knows."""
        nothing = np.zeros((size, size, 0), np.float32)
        return cls(nothing, nothing, nothing, nothing, PartRoles())

    @property
    def surface(self) -> Flags:
        """Where the subject's surface is, before or after: bool [n, n]."""
        channels = list(self.roles.surface)
        return np.maximum(*(maps[..., channels].sum(axis=2) for maps in (self.old, self.new))) > 0.5

    def hair(self) -> tuple[Floats, Floats, Floats]:
        """Hair in the photo, before and after, [n, n] each."""
        return self._sums(self.roles.hair)

    def head(self) -> tuple[Floats, Floats, Floats]:
        """Hair and surface together, in the photo, before and after, [n, n] each."""
        return self._sums((*self.roles.hair, *self.roles.surface))

    def _sums(self, channels: Sequence[int]) -> tuple[Floats, Floats, Floats]:
        photo, old, new = (
            maps[..., list(channels)].sum(axis=2) for maps in (self.photo, self.old, self.new)
        )
        return photo, old, new

    def with_hair_within(self, region: Flags) -> PartMaps:
        """The same where hair comes and goes within a region [n, n] only: an edit of eyes is not
        meant to change it, though the generator's picture may."""
        _, old, new = self.hair()
        drift = np.clip(2 * np.abs(new - old), 0, 1) * ~region
        return replace(self, new=self.new + drift[..., None] * (self.old - self.new))

    def with_teeth_kept(self) -> PartMaps:
        """The same without the drift of what is open: teeth do not grow with fuller lips."""
        new = self.new
        for opening in self.roles.openings:
            share = drifted(self.old[..., opening.gap], new[..., opening.gap])
            new = new if share == 1 else less_open(opening, new, share)
        return replace(self, new=new)


@dataclass(frozen=True, eq=False)
class PartChange:
    """What happens to the parts of a subject: label maps uint8 [L, L].

    rebuilt, drawn: what the generator shows without and with the edit. seen: what the photo itself
    shows, uint8 [S, S]; as `rebuilt` when None. asked: what a repaint asks for, where `changed`
    [L, L]; without it, the edited picture's parts are the aim; alone: elsewhere everything stays.
    covered: float32 [S, S] in 0..1, what lies before the face. alignment: what `aligned` found for
    this photo, where it is known.
    """

    rebuilt: Bytes
    drawn: Bytes
    roles: PartRoles
    seen: Bytes | None = None
    asked: Bytes | None = None
    changed: Flags | None = None
    covered: Floats | None = None
    alignment: Floats | None = None
    alone: bool = True

    def asking(self, label_edit: LabelEdit, *, alone: bool) -> PartChange:
        """The same for what was painted; what lost its part and gained none becomes what the edited
        picture shows there."""
        asked = np.where(label_edit.removed > 0, self.drawn, label_edit.target)
        return replace(self, asked=asked, changed=label_edit.changed, alone=alone)

    def resolved(self, size: int) -> tuple[PartMaps, Floats | None]:
        """The change as maps on a grid of `size`, and how the generator's pictures have to move to
        lie on the photo, [size, size, 2] in pixels of the grid; None when they need not."""
        old, drawn = (
            on_grid(self.roles.maps(labels), size) for labels in (self.rebuilt, self.drawn)
        )
        photo, alignment = old, self.alignment
        if self.seen is not None:
            photo = on_grid(self.roles.maps(self.seen), size)
            alignment = aligned(old, photo) if alignment is None else alignment
            old, drawn = warp(old, alignment), warp(drawn, alignment)
        if self.asked is None or self.changed is None:
            return PartMaps(photo, old, drawn, drawn, self.roles), alignment
        share = on_grid(self.changed.astype(np.float32), size)[..., None]
        asked = on_grid(self.roles.maps(self.asked), size)
        before, after = (photo, photo) if self.alone else (old, drawn)
        old, new = before + share * (photo - before), after + share * (asked - after)
        return PartMaps(photo, old, new, drawn, self.roles), alignment

    def with_alignment(self, size: int) -> PartChange:
        """The same, its alignment found once for all edits of the photo."""
        return self if self.seen is None else replace(self, alignment=self.resolved(size)[1])


def aligned(maps: Floats, onto: Floats) -> Floats:
    """The displacement [n, n, 2] that reads part maps [n, n, C] where others show the same part."""
    size = len(maps)
    flat = np.zeros((size, size), np.float32)
    rim = max(1, round(_BORDER * size))
    window = cv2.GaussianBlur(np.pad(flat[rim:-rim, rim:-rim] + 1, rim), (0, 0), rim / 2)
    velocity = register(
        RegisteredMaps(maps, flat),
        RegisteredMaps(onto, flat),
        window,
        picture_weight=0.0,
        stages=COARSE,
    )
    return fold_free(velocity)


def on_grid(field: Floats, size: int) -> Floats:
    """A field [L, L] or [L, L, C] on a grid of `size`, between its own values."""
    if not field.size:  # OpenCV knows no arrays without channels
        return np.zeros((size, size, *field.shape[2:]), np.float32)
    if len(field) == size:
        return field
    method = cv2.INTER_AREA if size < len(field) else cv2.INTER_LINEAR
    return cv2.resize(field, (size, size), interpolation=method)
