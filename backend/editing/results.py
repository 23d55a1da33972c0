"""What the editor works on and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from backend.editing.photo_parts import PhotoParts
from backend.models.pictures import to_picture
from backend.photos.align import CropFrame
from backend.photos.composite import ResultLayer
from backend.photos.label_edit import LabelEdit
from backend.photos.motion.part_change import PartChange
from backend.photos.motion.roles import PartRoles
from backend.photos.parts import PartMask
from protocol.facts import ApplyReport, PhotoReport, RepaintReport

Report = TypeVar("Report", RepaintReport, ApplyReport)


@dataclass(frozen=True, eq=False)
class OpenPhoto:
    """A photo that is embedded: pixels [H, W, 3 or 4], its frame, code and labels, and what draws
    its part layers."""

    pixels: NDArray[np.generic]
    frame: CropFrame
    valid: NDArray[np.bool_]  # [R, R]: where the photo shows the subject, and nothing before it
    w_plus: NDArray[np.float32]  # [n_ws, w_dim]
    rebuilt: NDArray[np.float32]  # [3, R, R]: G(w+), about [-1, 1]
    labels: NDArray[np.uint8]  # [L, L]
    draw: Callable[[], list[PartMask]]
    report: PhotoReport
    seen: PhotoParts | None = None  # the photo's own parts, where the bundle has a parser

    @cached_property
    def parts(self) -> list[PartMask]:
        """The part layers, drawn when they are first asked for: an edit needs none."""
        return self.draw()

    @property
    def drawn(self) -> Sequence[PartMask]:
        """The part layers as far as they are drawn: all or none."""
        return self.__dict__.get("parts", ())

    def with_report(self, report: PhotoReport) -> OpenPhoto:
        """The same photo with another report; part layers that are drawn stay drawn."""
        other = replace(self, report=report)
        if self.drawn:
            other.__dict__["parts"] = self.parts
        return other

    @property
    def hidden(self) -> frozenset[str]:
        """The parts that something in the photo hides: nothing is drawn there."""
        return frozenset(self.report.hidden or ())

    def part_change(
        self,
        drawn: NDArray[np.uint8],
        roles: PartRoles,
        *,
        rebuilt: NDArray[np.uint8] | None = None,
    ) -> PartChange:
        """What an edit does to the photo's parts that leads to a picture with labels `drawn`
        [L, L]; rebuilt: those without the edit, if not the photo's labels."""
        change = PartChange(self.labels if rebuilt is None else rebuilt, drawn, roles)
        if self.seen is None:
            return change
        return replace(change, seen=self.seen.labels, covered=self.seen.covered)


@dataclass(frozen=True, eq=False)
class EditResult(Generic[Report]):
    """An edit of a photo: its layer, delta w+, Q_edit, new labels [L, L] and crop uint8 [R, R,
    3]; painted: what it was optimised for, None for vectors."""

    layer: ResultLayer
    vector: NDArray[np.float32]
    parts: tuple[str, ...]
    labels: NDArray[np.uint8]
    crop: NDArray[np.uint8]
    report: Report
    painted: LabelEdit | None = None


@dataclass(frozen=True, eq=False)
class OptimisedCode:
    """What an optimisation found: delta w+, Q_edit, region [L, L], labels [L, L], and the picture
    G(w+ + delta), (1, 3, R, R); painted: what it was for."""

    delta: NDArray[np.float32]
    parts: tuple[str, ...]
    region: NDArray[np.bool_]
    after: Tensor
    labels: NDArray[np.uint8]
    report: RepaintReport
    painted: LabelEdit

    def result(self, layer: ResultLayer, report: RepaintReport) -> EditResult[RepaintReport]:
        """The same with its layer, and the report on that."""
        crop = to_picture(self.after)
        painted = self.painted
        return EditResult(layer, self.delta, self.parts, self.labels, crop, report, painted)


@dataclass(frozen=True, eq=False)
class EditPreview:
    """What vectors do to a photo, as the generator sees it: crop uint8 [R, R, 3], labels [L, L],
    and identity, the cosine similarity to the reconstruction (None without an identity network)."""

    crop: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    identity: float | None


@dataclass(frozen=True)
class SideEffects:
    """What vectors do that nobody asked for, before compositing.

    identity: cosine similarity to the reconstruction, None without an identity network. drift:
    perceptual distance from the reconstruction outside the region of interest.
    """

    identity: float | None
    drift: float
