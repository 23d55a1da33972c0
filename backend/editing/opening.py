"""Opening a photo: its subject is found, embedded in the generator, and segmented."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.bundle import Bundle
from backend.editing.corrections import corrected_parts
from backend.editing.cutting import cut_out
from backend.editing.engine import Engine, array_of
from backend.editing.expression import SeenFace, eyes_open, smiling
from backend.editing.inversion import LEVELS, invert, measure
from backend.editing.part_quality import parts_facts
from backend.editing.parts_term import known_parts
from backend.editing.photo_parts import (
    PhotoParts,
    better_parts,
    classes_in,
    read_parts,
)
from backend.editing.progress import (
    Progress,
    ProgressCallback,
    ProgressMonitor,
    no_progress,
    sub_progress,
)
from backend.editing.results import OpenPhoto
from backend.errors import BadImage
from backend.models.generator import sample_z
from backend.models.pictures import to_picture
from backend.photos.align import CropFrame, covered
from backend.photos.corrections import Corrections
from backend.photos.detect import Subject
from backend.photos.parts import PartMask, PlacedMask, draw_field, draw_parts
from protocol.facts import PhotoReport
from protocol.geometry import Rect

TRUNCATION = 0.8  # of samples: 0 gives the average, 1 the full variety
_LOOKING, _DRAWING = Progress(0.0, "Embedding"), Progress(0.85, "Drawing the parts")
_SMALLEST_FRAME = 16  # photo pixels: less holds no subject


def find_subjects(
    engine: Engine, image: NDArray[np.uint8], selection: Rect | None = None
) -> list[Subject]:
    """Subjects in uint8 [H, W, 3] that meet the selection, largest first without one; raises
    NoSubject, BadImage."""
    return engine.detector.find(image, selection)


def open_photo(
    engine: Engine,
    pixels: NDArray[np.generic],
    frame: CropFrame,
    *,
    level: str = "fast",
    w_plus: NDArray[np.float32] | None = None,
    start: NDArray[np.float32] | None = None,
    corrected: Corrections | None = None,
    progress: ProgressCallback = no_progress,
) -> OpenPhoto:
    """Embed the subject in `frame` and segment it.

    pixels: uint8 or float32 [H, W, 3 or 4]; level: "fast", "balanced" or "faithful"; w_plus: a
    known embedding, used instead of a new one; start: the embedding to continue from; corrected:
    the photo's parts as the user has put them right. Raises BadImage.
    """
    monitor = ProgressMonitor(progress)
    began = time.monotonic()
    subject = align_subject(engine, pixels, frame, corrected)
    monitor(_LOOKING)
    if w_plus is None:
        first = None if start is None else engine.tensor(start)
        code = _embedded(engine, [subject], level, first, sub_progress(monitor, 0.0, 0.8))
    else:
        code = engine.tensor(w_plus)
    opened = _segmented(engine, subject, code, level, monitor)
    monitor(Progress(1.0, "Done"))
    seconds, early = time.monotonic() - began, monitor.enough and w_plus is None
    return opened.with_report(replace(opened.report, seconds=seconds, ended_early=early))


def open_together(
    engine: Engine, subjects: Sequence[AlignedSubject], *, level: str
) -> list[OpenPhoto]:
    """Embed several subjects in one descent, each with losses of its own, and segment them.

    For less of a processor's time than `open_photo` one by one: what a step costs besides its
    products is paid once. Rounding differs from that, and the descents part by it; which subjects
    are beside one another makes a small difference. The reports' seconds are an equal share each.
    """
    began = time.monotonic()
    codes = _embedded(engine, subjects, level, None, no_progress).split(1)
    found = [
        _segmented(engine, subject, code, level, no_progress)
        for subject, code in zip(subjects, codes, strict=True)
    ]
    seconds = (time.monotonic() - began) / len(subjects)
    return [replace(one, report=replace(one.report, seconds=seconds)) for one in found]


def _segmented(
    engine: Engine,
    subject: AlignedSubject,
    code: Tensor,
    level: str,
    progress: ProgressCallback,
) -> OpenPhoto:
    """The subject with its code, (1, n_ws, w_dim), and what the generator makes of it."""
    progress(_DRAWING)
    rebuilt, features = engine.generate(code)
    progress(_DRAWING)
    quality = measure(engine.networks, subject.image, rebuilt, subject.mask)
    probabilities = engine.networks.segmentation.probabilities(features).cpu().numpy()
    labels = probabilities.argmax(axis=0).astype(np.uint8)
    progress(_DRAWING)
    known = engine.at_labels(subject.inside)
    draw = partial(_drawn_parts, engine.bundle, subject, probabilities, known)
    report = PhotoReport(
        **vars(quality),
        quality=quality.quality,
        verdict=quality.verdict,
        level=level,
        seconds=0.0,
        ended_early=False,
    )
    if subject.seen:
        facts = parts_facts(subject.seen, labels, engine.at_labels(subject.valid), engine.bundle)
        report = replace(report, **facts)
    w_plus, picture = array_of(code), array_of(rebuilt)
    pixels, frame, valid, seen = subject.pixels, subject.frame, subject.valid, subject.seen
    return OpenPhoto(pixels, frame, valid, w_plus, picture, labels, draw, report, seen)


@torch.no_grad()
def recognise(engine: Engine, pixels: NDArray[np.generic], frame: CropFrame) -> SeenFace:
    """Who the face in `frame` is, and how it looks just now; pixels: as in `open_photo`. Raises
    BadImage.
    """
    crop, _inside = _cut(engine.bundle, pixels, frame)
    image = torch.from_numpy(crop).permute(2, 0, 1)[None].to(engine.device)
    network, parser = engine.networks.identity, engine.networks.parser
    identity = None if network is None else array_of(network.embed(image))
    if parser is None:
        return SeenFace(identity, None, None)
    seen, _valid = classes_in(parser, pixels, frame)
    return SeenFace(identity, eyes_open(seen), smiling(seen))


@dataclass(frozen=True, eq=False)
class AlignedSubject:
    """A subject of a photo, `pixels` and `frame` as in `open_photo`, cut out and upright.

    image: (1, 3, R, R) in [-1, 1]; inside: what the photo covers of it, bool [R, R]; valid: the
    same, without what lies before the subject; seen: its own parts.
    """

    pixels: NDArray[np.generic]
    frame: CropFrame
    image: Tensor
    inside: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    seen: PhotoParts | None

    @property
    def mask(self) -> Tensor:
        """`valid` as float (1, 1, R, R)."""
        return torch.from_numpy(self.valid)[None, None].float().to(self.image.device)


def align_subject(
    engine: Engine,
    pixels: NDArray[np.generic],
    frame: CropFrame,
    corrected: Corrections | None = None,
) -> AlignedSubject:
    """The subject in `frame`, arguments as in `open_photo`; raises BadImage."""
    crop, inside = _cut(engine.bundle, pixels, frame)
    seen = photo_parts(engine, pixels, frame)
    if corrected is not None:
        seen = corrected_parts(seen, corrected, frame, engine.bundle)
    valid = inside if seen is None else inside & (seen.at(len(inside)).covered < 0.5)
    image = torch.from_numpy(crop).permute(2, 0, 1)[None].to(engine.device)
    return AlignedSubject(pixels, frame, image, inside, valid, seen)


def _embedded(
    engine: Engine,
    subjects: Sequence[AlignedSubject],
    level: str,
    start: Tensor | None,
    progress: ProgressCallback,
) -> Tensor:
    """The subjects' codes, (B, n_ws, w_dim)."""
    known = [
        None if one.seen is None else known_parts(one.seen, engine.at_labels(one.inside))
        for one in subjects
    ]
    image = torch.cat([one.image for one in subjects])
    mask = torch.cat([one.mask for one in subjects])
    return invert(engine.networks, image, mask, LEVELS[level], progress, known=known, start=start)


def _drawn_parts(
    bundle: Bundle,
    subject: AlignedSubject,
    probabilities: NDArray[np.float32],
    inside: NDArray[np.bool_],
) -> list[PartMask]:
    """The part layers, from the branch's probabilities [parts, L, L] and the photo's own parts;
    inside: what the photo covers, [L, L]."""
    pixels, frame = subject.pixels, subject.frame
    drawn, shown = probabilities, inside
    if subject.seen:
        drawn = better_parts(subject.seen, probabilities)
        shown = covered(frame, drawn.shape[1], pixels.shape[1], pixels.shape[0])
    return draw_parts(drawn, pixels, frame, bundle.parts, shown, aspect=bundle.aspect)


def photo_parts(engine: Engine, pixels: NDArray[np.generic], frame: CropFrame) -> PhotoParts | None:
    """The photo's own parts; None where the bundle has no parser."""
    parser = engine.networks.parser
    return read_parts(parser, pixels, frame, engine.bundle.parts) if parser else None


def map_uncertainty(engine: Engine, photo: OpenPhoto) -> PlacedMask:
    """Where the segmentation branch's heads disagree, in the photo's pixels (DatasetGAN).

    The Jensen-Shannon distance of their predictions (the root of the divergence in bits): 0 is
    agreement, 255 means heads that are evenly split between two parts, or worse.
    """
    _, features = engine.generate(engine.tensor(photo.w_plus))
    bits = engine.networks.segmentation.uncertainty(features) / math.log(2)
    return draw_field(bits.sqrt().cpu().numpy(), photo.pixels, photo.frame)


def sample(engine: Engine, z: Tensor, *, truncation: float = TRUNCATION) -> tuple[Tensor, Tensor]:
    """z (B, z_dim) -> pictures (B, 3, R, R) and their w_plus (B, n_ws, w_dim)."""
    w_plus = engine.networks.generator.map(z.to(engine.device), truncation=truncation)
    return engine.generate(w_plus)[0], w_plus


def open_sample(engine: Engine, seed: int) -> OpenPhoto:
    """A generated picture, uint8 [R, R, 3], as a photo whose code is known."""
    image, w_plus = sample(engine, sample_z(engine.bundle.config, [seed]))
    pixels, half = to_picture(image), engine.bundle.resolution / 2
    frame = CropFrame.from_axes(np.array([half, half]), np.array([half, 0.0]))
    return open_photo(engine, pixels, frame, level="known", w_plus=array_of(w_plus))


def _cut(
    bundle: Bundle, pixels: NDArray[np.generic], frame: CropFrame
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The aligned crop and what the photo covers of it, as `cut_out` gives them; raises
    BadImage."""
    if frame.size < _SMALLEST_FRAME:
        raise BadImage(f"The subject is only {frame.size:.0f} pixels wide; that is too small.")
    crop, valid = cut_out(pixels, frame, bundle.resolution, bundle.aspect, whole=bundle.whole)
    if not valid.any():
        raise BadImage("The subject's frame lies outside the photo.")
    return crop, valid
