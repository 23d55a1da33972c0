"""The engine: a bundle's networks on a device, and what every kind of editing asks of them.

The work itself are functions over it: `open_photo` (opening), `repaint` and `optimise_edit`
(repainting), `apply_edits` (applying), `borrow_parts` (borrow), `learn_edit` (learn).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_networks
from backend.editing.finding import Remembering, detector_of
from backend.editing.objective import EditTarget
from backend.editing.options import ScaledEdit
from backend.editing.photo_parts import looks_upright
from backend.editing.preview.networks import PreviewNetworks, RenderPreview
from backend.editing.progress import Progress, ProgressCallback, no_progress
from backend.editing.region import region_of_interest, shown_region
from backend.editing.results import OpenPhoto
from backend.errors import WrongBundle
from backend.models.runtime.precision import use_fast_matrices
from backend.models.runtime.replay import Recorded
from backend.photos.composite import ResultLayer, composite
from backend.photos.motion.part_change import PartChange
from backend.photos.motion.roles import PartRoles
from protocol.facts import EditedAreas

_BLENDING = Progress(0.96, "Blending it into the photo")


class Engine:
    """One bundle on one device. Not thread-safe: one worker owns it."""

    def __init__(self, bundle: Bundle, device: str | torch.device = "cpu") -> None:
        self.bundle = bundle
        self.device = torch.device(device)
        use_fast_matrices(self.device)
        self.networks = load_networks(bundle, self.device)
        self.roles = PartRoles.of(bundle.parts)
        parser = self.networks.parser
        upright = partial(looks_upright, parser) if parser else None
        self.detector = Remembering(detector_of(bundle, upright))
        self._segmented = Recorded(self.networks.picture_and_labels)

    @cached_property
    def preview_networks(self) -> RenderPreview:
        """What all small pictures are made with."""
        return Recorded(PreviewNetworks(self.networks))

    @torch.no_grad()
    def generate(self, w_plus: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, n_ws, w_dim) -> pictures (B, 3, R, R) and the generator's features."""
        return self.networks.generator(w_plus)

    def segmented(self, w_plus: Tensor) -> tuple[Tensor, NDArray[np.uint8]]:
        """(1, n_ws, w_dim) -> the picture (1, 3, R, R) and its labels [L, L]."""
        image, labels = self._segmented(w_plus)
        return image.clone(), labels.cpu().numpy()

    def rebuilt(self, photo: OpenPhoto) -> Tensor:
        """The photo's reconstruction G(w+), (1, 3, R, R)."""
        return torch.from_numpy(photo.rebuilt)[None].to(self.device)

    def composite(
        self,
        photo: OpenPhoto,
        after: Tensor,
        region: NDArray[np.bool_],
        change: PartChange,
        progress: ProgressCallback = no_progress,
    ) -> ResultLayer:
        """The layer that takes the photo from its reconstruction to `after`, (1, 3, R, R).

        region: of interest, [L, L]. change: of the photo's parts. progress: hears of every piece of
        the work, and cancels.
        """
        pictures = picture_of(self.rebuilt(photo)), picture_of(after)
        shown = shown_region(region, photo.valid)
        pause = partial(progress, _BLENDING)
        return composite(photo.pixels, photo.frame, *pictures, shown, change, pause=pause)

    def tensor(self, code: NDArray[np.float32]) -> Tensor:
        """float32 [n_ws, w_dim] -> (1, n_ws, w_dim) on the device; raises WrongBundle."""
        config = self.bundle.config
        if code.shape != (config.n_ws, config.w_dim) or not np.isfinite(code).all():
            raise WrongBundle(
                f"This code or editing vector {code.shape} does not belong to the model "
                f"'{self.bundle.name}', which has {config.n_ws} x {config.w_dim} finite numbers."
            )
        return torch.from_numpy(np.ascontiguousarray(code, dtype=np.float32))[None].to(self.device)

    def delta(self, edits: Sequence[ScaledEdit]) -> Tensor:
        """sum s_i delta_i, (1, n_ws, w_dim) on the device; raises WrongBundle, BadSetting."""
        return summed([self.tensor(edit.vector) * edit.applied for edit in edits])

    def indices(self, parts: Iterable[str]) -> list[int]:
        """Label values of parts, each once; raises UnknownPart."""
        return [self.bundle.part(name).index for name in dict.fromkeys(parts)]

    def region(
        self,
        photo: OpenPhoto,
        labels: NDArray[np.uint8],
        parts: Iterable[str],
        changed: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """The region of interest [L, L] of an edit of `parts` that leads to `labels` (eq. 1);
        changed: more pixels to include."""
        shown = [name for name in parts if name not in photo.hidden]
        edited, large = self.indices(shown), self.indices(self.bundle.large)
        return region_of_interest(photo.labels, labels, edited, large, changed)

    def at_labels(self, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What the photo covers of the crop, [R, R], at label resolution [L, L]."""
        step = self.bundle.resolution // self.networks.segmentation.resolution
        return np.ascontiguousarray(valid[::step, ::step])

    def target(
        self,
        labels: NDArray[np.uint8],
        region: NDArray[np.bool_],
        changed: NDArray[np.bool_],
        removed: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> EditTarget:
        """What an edit aims at, on the device; valid: [R, R], the others [L, L]."""
        wanted, gone = labels.astype(np.int64), removed.astype(np.int64)
        arrays = (wanted, region, changed, gone, self.at_labels(valid))
        return EditTarget(*(torch.from_numpy(a).to(self.device) for a in arrays))

    def areas(
        self, photo: OpenPhoto, region: NDArray[np.bool_], changed: NDArray[np.bool_]
    ) -> EditedAreas:
        """How much an edit may change."""
        valid = self.at_labels(photo.valid)
        return EditedAreas(
            area_region=int(region.sum()),
            area_changed=int(changed.sum()),
            share_of_subject=float((region & valid).sum() / valid.sum()),
        )


def summed(deltas: Sequence[Tensor]) -> Tensor:
    """The sum of tensors of one shape, added by size: their order is no matter, to the last
    bit."""
    return torch.stack(tuple(deltas)).sort(dim=0).values.sum(dim=0)


def array_of(code: Tensor) -> NDArray[np.float32]:
    """The one item of a batch of one."""
    return code[0].detach().cpu().numpy().copy()


def picture_of(image: Tensor) -> NDArray[np.float32]:
    """(1, 3, R, R) -> float32 [R, R, 3] in [-1, 1]."""
    return image[0].clamp(-1, 1).permute(1, 2, 0).cpu().numpy()
