"""Opening a photo: its subject is found, embedded in the generator, and segmented."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.bundle import Bundle
from backend.editing.corrections import corrected_parts
from backend.editing.finding import detector_of
from backend.editing.inversion import LEVELS, Reconstruction, invert, measure
from backend.editing.model import Model, array_of
from backend.editing.part_quality import parts_report
from backend.editing.parts_term import known_parts
from backend.editing.photo_parts import (
    PhotoParts,
    better_parts,
    looks_upright,
    read_parts,
)
from backend.editing.progress import Heard, Progress, Report, ignore, part_of
from backend.editing.results import OpenPhoto
from backend.errors import BadImage
from backend.models.generator import sample_z
from backend.models.pictures import to_picture
from backend.photos.align import CropFrame, extract
from backend.photos.detect import Subject
from backend.photos.parts import PlacedMask, draw_field, draw_parts
from protocol.geometry import Rect

TRUNCATION = 0.8  # of samples: 0 gives the average, 1 the full variety
_SMALLEST_FRAME = 16  # photo pixels: less holds no subject


class Opening(Model):
    """From pixels to an `OpenPhoto`."""

    def __init__(self, bundle: Bundle, device: str | torch.device = "cpu") -> None:
        super().__init__(bundle, device)
        parser = self.networks.parser
        judge = partial(looks_upright, parser) if parser else None
        self._detector = detector_of(bundle, judge)

    def find_subjects(
        self, image: NDArray[np.uint8], selection: Rect | None = None
    ) -> list[Subject]:
        """Subjects in uint8 [H, W, 3] that meet the selection, largest first without
        one; raises NoSubject, BadImage."""
        return self._detector.find(image, selection)

    def open(
        self,
        pixels: NDArray[np.generic],
        frame: CropFrame,
        *,
        level: str = "fast",
        w_plus: NDArray[np.float32] | None = None,
        start: NDArray[np.float32] | None = None,
        corrected: NDArray[np.uint8] | None = None,
        progress: Report = ignore,
    ) -> OpenPhoto:
        """Embed the subject in `frame` and segment it.

        pixels: uint8 or float32 [H, W, 3 or 4]; level: "fast", "balanced" or "faithful"; w_plus: a
        known embedding, used instead of a new one; start: the embedding to go on from; corrected:
        label map [H, W] of the photo's parts as the user has put them right, 255 where nothing is
        said. Raises BadImage.
        """
        progress = Heard(progress)
        began = time.monotonic()
        crop, inside = _cut(pixels, frame, self.bundle.resolution)
        seen = self.parts_of(pixels, frame)
        if corrected is not None:
            seen = corrected_parts(seen, corrected, frame, self.bundle)
        valid = inside if seen is None else inside & (seen.at(len(inside)).covered < 0.5)
        image = torch.from_numpy(crop).permute(2, 0, 1)[None].to(self.device)
        mask = torch.from_numpy(valid)[None, None].float().to(self.device)
        if w_plus is None:
            code = invert(
                self.networks,
                image,
                mask,
                LEVELS[level],
                part_of(progress, 0.0, 0.8),
                known=seen and known_parts(seen, self.at_labels(inside)),
                start=None if start is None else self.tensor(start),
            )
        else:
            code = self.tensor(w_plus)
        progress(Progress(0.85, "Drawing the parts"))
        rebuilt, features = self.generate(code)
        quality = measure(self.networks, image, rebuilt, mask)
        probabilities = self.networks.segmentation.probabilities(features).cpu().numpy()
        labels = probabilities.argmax(axis=0).astype(np.uint8)
        drawn, shown = probabilities, self.at_labels(inside)
        if seen:
            drawn = better_parts(seen, probabilities)
            shown = extract(pixels, frame, drawn.shape[1])[1]
        parts = draw_parts(drawn, pixels, frame, self.bundle.parts, shown)
        progress(Progress(1.0, "Done"))
        report = _quality_report(quality, level, time.monotonic() - began)
        report["ended_early"] = progress.enough and w_plus is None
        if seen:
            report |= parts_report(seen, labels, self.at_labels(valid), self.bundle)
        return OpenPhoto(
            pixels, frame, valid, array_of(code), array_of(rebuilt), labels, parts, report, seen
        )

    def parts_of(self, pixels: NDArray[np.generic], frame: CropFrame) -> PhotoParts | None:
        """The photo's own parts; None where the bundle has no parser."""
        parser = self.networks.parser
        return read_parts(parser, pixels, frame, self.bundle.parts) if parser else None

    def uncertainty(self, photo: OpenPhoto) -> PlacedMask:
        """Where the segmentation branch's heads disagree, in the photo's pixels (DatasetGAN).

        The Jensen-Shannon distance of their predictions (the root of the divergence in bits): 0 is
        agreement, 255 means heads that are evenly split between two parts, or worse.
        """
        _, features = self.generate(self.tensor(photo.w_plus))
        bits = self.networks.segmentation.uncertainty(features) / math.log(2)
        return draw_field(bits.sqrt().cpu().numpy(), photo.pixels, photo.frame)

    def sample(self, z: Tensor, *, truncation: float = TRUNCATION) -> tuple[Tensor, Tensor]:
        """z (B, z_dim) -> pictures (B, 3, R, R) and their w_plus (B, n_ws, w_dim)."""
        generator = self.networks.generator
        w_plus = generator.map(z.to(self.device), truncation=truncation)
        return self.generate(w_plus)[0], w_plus

    def open_sample(self, seed: int) -> OpenPhoto:
        """A generated picture, uint8 [R, R, 3], as a photo whose code is known."""
        image, w_plus = self.sample(sample_z(self.bundle.config, [seed]))
        pixels, half = to_picture(image), self.bundle.resolution / 2
        frame = CropFrame.from_axes(np.array([half, half]), np.array([half, 0.0]))
        return self.open(pixels, frame, level="known", w_plus=array_of(w_plus))


def _cut(
    pixels: NDArray[np.generic], frame: CropFrame, resolution: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The aligned crop and what the photo covers of it, as `extract` gives them; raises
    BadImage."""
    if frame.size < _SMALLEST_FRAME:
        raise BadImage(f"The subject is only {frame.size:.0f} pixels wide; that is too small.")
    crop, valid = extract(pixels, frame, resolution)
    if not valid.any():
        raise BadImage("The subject's frame lies outside the photo.")
    return crop, valid


def _quality_report(quality: Reconstruction, level: str, seconds: float) -> dict[str, object]:
    words = {"quality": quality.quality, "verdict": quality.verdict}
    return {**asdict(quality), **words, "level": level, "seconds": seconds}
