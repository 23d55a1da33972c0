"""Which picture is labelled next, and what a model sees in it already."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_generator, load_segmentation
from backend.editing.cutting import cut_out
from backend.editing.progress import Progress, ProgressCallback
from backend.editing.results import OpenPhoto
from backend.errors import BadImage
from backend.models.segmentation import SegmentationBranch
from backend.photos.corrections import corrections_of
from backend.photos.cv import resize
from backend.photos.label_edit import PaintedLayer
from backend.photos.parts import PartMask
from backend.photos.pixels import to_bytes
from backend.training.labelled import UNLABELLED, label_crop
from backend.training.labelling.own_labels import OwnLabels
from backend.training.labelling.samples import (
    add_samples,
    candidates,
    keep_code,
    next_seed,
    read_codes,
)


@dataclass(frozen=True, eq=False)
class SampleToPaint:
    """picture: uint8 [h, w, 3]; parts: as labelled, or as the model sees them; unsure: nats."""

    name: str
    picture: NDArray[np.uint8]
    parts: list[PartMask]
    unsure: float | None


def sample_to_paint(
    bundle: Bundle,
    labels: OwnLabels,
    name: str | None,
    looked_at: int,
    device: str,
    progress: ProgressCallback,
    *,
    fresh: bool = False,
) -> SampleToPaint:
    """The picture `name` of a label set, or, unless `fresh`, one that waits, or a new one.

    bundle: as it is installed. looked_at: new samples, of which the one that the branch is least
    sure of is taken; without a branch for these parts one is drawn. Raises BadImage.
    """
    known = bundle.has("segmentation") and bundle.parts == labels.parts
    branch = load_segmentation(bundle).to(torch.device(device)) if known else None
    unsure = None
    waiting = labels.waiting() if name is None and not fresh else []
    if name is None and not waiting:
        name, unsure = _new(bundle, labels, branch, looked_at if known else 1, device, progress)
    name = name or waiting[0]
    seen = _seen(bundle, labels, branch, name, device) if branch is not None else None
    picture, parts = labels.to_paint(name, seen)
    return SampleToPaint(name, picture, parts, unsure)


def _new(
    bundle: Bundle,
    labels: OwnLabels,
    branch: SegmentationBranch | None,
    looked_at: int,
    device: str,
    progress: ProgressCallback,
) -> tuple[str, float | None]:
    """Add a sample with an empty map; its name, and how unsure the branch is of it."""
    generator = load_generator(bundle).to(torch.device(device))
    first, done = next_seed(labels.folder), 0

    def seen() -> None:
        nonlocal done
        done += 1
        progress(Progress(done / looked_at, "Drawing samples"))

    found = candidates(generator, branch, range(first, first + looked_at), seen=seen)[:1]
    maps = add_samples(labels.folder, generator, bundle.sha, None, labels.parts, found)
    return maps[0].stem.removesuffix("_parts"), found[0].unsure


@torch.no_grad()
def _seen(
    bundle: Bundle, labels: OwnLabels, branch: SegmentationBranch, name: str, device: str
) -> NDArray[np.uint8] | None:
    """What the branch says of a picture whose code is known, uint8 [L, L]."""
    code = read_codes(labels.folder, bundle.sha).get(name)
    if code is None:
        return None
    generator = load_generator(bundle).to(torch.device(device))
    found: NDArray[np.uint8] = branch.labels(generator(code.to(device))[1]).cpu().numpy()
    return found


def add_photo(
    labels: OwnLabels, bundle: Bundle, opened: OpenPhoto, layers: list[PaintedLayer], name: str
) -> None:
    """Keep an open photo's crop, its code, and its parts as the user has put them right.

    layers: the topmost first, in the photo's pixels. Raises BadImage, UnknownPart.
    """
    said = corrections_of(layers, labels.parts, opened.pixels.shape[:2])
    side = bundle.resolution
    drawn, labelled = label_crop(said.labels, opened.frame, side, len(labels.parts))
    if not labelled.any():
        raise BadImage("Nothing is painted inside the subject's frame.")
    shown = resize(opened.valid.astype(np.uint8), (side, side), cv2.INTER_NEAREST) > 0
    drawn = np.where(labelled & shown, drawn, UNLABELLED).astype(np.uint8)
    crop, _ = cut_out(
        opened.pixels, opened.frame, side, labels.bundle.aspect, whole=labels.bundle.whole
    )
    read_codes(labels.folder, bundle.sha)  # of another generator? before anything is written
    labels.add(name, to_bytes(crop), drawn)
    keep_code(labels.folder, bundle.sha, name, torch.from_numpy(opened.w_plus)[None])
