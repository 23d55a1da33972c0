"""Everything a photographer can do with one bundle: open a photo, repaint its parts, apply
edits."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_networks
from backend.editing.borrow import Take, borrow
from backend.editing.inversion import LEVELS, Reconstruction, invert, measure, to_picture
from backend.editing.light import PhotoView
from backend.editing.objective import EditObjective, EditTarget, Weights, at_resolution
from backend.editing.optimise import optimise
from backend.editing.preview import PhotoPreview
from backend.editing.progress import Heard, Progress, Report, ignore, part_of
from backend.editing.region import region_of_interest, shown_region
from backend.editing.results import (
    EditPreview,
    EditResult,
    OpenPhoto,
    Outcome,
    ScaledEdit,
    SideEffects,
)
from backend.errors import BadImage, NothingChanged, WrongBundle
from backend.models.generator import sample_z
from backend.photos.align import CropFrame, Rect, extract
from backend.photos.composite import ResultLayer, composite
from backend.photos.detect import Subject, make_detector
from backend.photos.painted import Claims, PaintedLayer, read_painted
from backend.photos.parts import PlacedMask, draw_field, draw_parts

__all__ = ["EditPreview", "EditResult", "Editor", "OpenPhoto", "ScaledEdit", "SideEffects"]

TRUNCATION = 0.8  # of samples: 0 gives the average, 1 the full variety
_SMALLEST_FRAME = 16  # photo pixels: less holds no subject


class Editor:
    """One bundle on one device. Not thread-safe: one worker owns it."""

    def __init__(self, bundle: Bundle, device: str | torch.device = "cpu") -> None:
        self.bundle = bundle
        self.device = torch.device(device)
        self.networks = load_networks(bundle, self.device)
        self._detector = make_detector(bundle.domain)

    def find_subjects(
        self, image: NDArray[np.uint8], selection: Rect | None = None
    ) -> list[Subject]:
        """Subjects in uint8 [H, W, 3] that meet the selection (x, y, w, h), largest first without
        one; raises NoSubject, BadImage."""
        return self._detector.find(image, selection)

    def open(
        self,
        pixels: NDArray[np.generic],
        frame: CropFrame,
        *,
        level: str = "fast",
        w_plus: NDArray[np.float32] | None = None,
        progress: Report = ignore,
    ) -> OpenPhoto:
        """Embed the subject in `frame` and segment it.

        pixels: uint8 or float32 [H, W, 3 or 4]; level: "fast", "balanced" or "faithful"; w_plus: a
        known embedding, used instead of a new one. Raises BadImage.
        """
        progress = Heard(progress)
        began = time.monotonic()
        if frame.size < _SMALLEST_FRAME:
            raise BadImage(f"The subject is only {frame.size:.0f} pixels wide; that is too small.")
        crop, valid = extract(pixels, frame, self.bundle.resolution)
        if not valid.any():
            raise BadImage("The subject's frame lies outside the photo.")
        image = torch.from_numpy(crop).permute(2, 0, 1)[None].to(self.device)
        mask = torch.from_numpy(valid)[None, None].float().to(self.device)
        if w_plus is None:
            code = invert(self.networks, image, mask, LEVELS[level], part_of(progress, 0.0, 0.8))
        else:
            code = self._tensor(w_plus)
        progress(Progress(0.85, "Drawing the parts"))
        rebuilt, features = self._generate(code)
        quality = measure(self.networks, image, rebuilt, mask)
        probabilities = self.networks.segmentation.probabilities(features)
        labels = probabilities.argmax(dim=0).byte().cpu().numpy()
        parts = draw_parts(
            probabilities.cpu().numpy(), pixels, frame, self.bundle.parts, self.at_labels(valid)
        )
        progress(Progress(1.0, "Done"))
        report = _quality_report(quality, level, time.monotonic() - began)
        report["ended_early"] = progress.enough and w_plus is None
        return OpenPhoto(pixels, frame, valid, _array(code), _array(rebuilt), labels, parts, report)

    def uncertainty(self, photo: OpenPhoto) -> PlacedMask:
        """Where the segmentation branch's heads disagree, in the photo's pixels (DatasetGAN).

        The Jensen-Shannon distance of their predictions (the root of the divergence in bits): 0 is
        agreement, 255 means heads that are evenly split between two parts, or worse.
        """
        _, features = self._generate(self._tensor(photo.w_plus))
        bits = self.networks.segmentation.uncertainty(features) / math.log(2)
        return draw_field(bits.sqrt().cpu().numpy(), photo.pixels, photo.frame)

    def repaint(
        self,
        photo: OpenPhoto,
        painted: Sequence[PaintedLayer],
        *,
        steps: int = 100,
        weights: Weights | None = None,
        start: NDArray[np.float32] | None = None,
        progress: Report = ignore,
    ) -> EditResult:
        """Optimise the code until the picture agrees with the repainted layers (top first).

        start: the delta w+ to go on from. Raises NothingChanged, UnknownPart.
        """
        claims = self._claims(photo, painted)
        return self.edit(
            photo, claims, steps=steps, weights=weights, start=start, progress=progress
        )

    def follow(
        self,
        photo: OpenPhoto,
        painted: Sequence[PaintedLayer],
        *,
        steps: int,
        start: NDArray[np.float32] | None = None,
        progress: Report = ignore,
    ) -> Outcome:
        """Like `repaint`, for a painting that goes on changing: only previews, no result layer."""
        claims = self._claims(photo, painted)
        return self.learn(photo, claims, steps=steps, start=start, progress=progress)

    def borrow(
        self,
        photo: OpenPhoto,
        other: OpenPhoto,
        parts: Sequence[str],
        *,
        take: Take = "look",
        steps: int = 100,
        progress: Report = ignore,
    ) -> EditResult:
        """Give `parts` the shapes that they have in another photo: see backend.editing.borrow."""
        return borrow(self, photo, other, parts, take=take, steps=steps, progress=progress)

    def edit(
        self,
        photo: OpenPhoto,
        claims: Claims,
        *,
        steps: int = 100,
        weights: Weights | None = None,
        start: NDArray[np.float32] | None = None,
        progress: Report = ignore,
    ) -> EditResult:
        """Optimisation-based editing (paper 3.4) towards claims at label resolution.

        Raises NothingChanged for claims of nothing, UnknownPart.
        """
        began = time.monotonic()
        learnt = self.learn(
            photo,
            claims,
            steps=steps,
            weights=weights,
            start=start,
            progress=part_of(progress, 0.0, 0.95),
        )
        layer = self.composite(photo, self.rebuilt(photo), learnt.after, learnt.region)
        return learnt.result(layer, seconds=time.monotonic() - began)

    def learn(
        self,
        photo: OpenPhoto,
        claims: Claims,
        *,
        steps: int,
        weights: Weights | None = None,
        start: NDArray[np.float32] | None = None,
        inside: Tensor | None = None,
        progress: Report = ignore,
    ) -> Outcome:
        """The optimisation of `edit`, without its layer.

        start: the delta w+ to go on from; inside: what the region shall look like, (1, 3, R, R).
        """
        if not claims.changed.any():
            raise NothingChanged("The parts are as they were; repaint some of them first.")
        edited = self._indices(claims.parts)
        region = region_of_interest(
            photo.labels, claims.target, edited, self._large(), claims.changed
        )
        before = self.rebuilt(photo)
        target = self._target(claims.target, region, claims.lost, photo.valid)
        objective = EditObjective(self.networks, before, target, weights or Weights(), inside)
        shown = shown_region(region, photo.valid)
        preview = PhotoPreview(photo.pixels, photo.frame, _picture(before), shown)
        w_plus = self._tensor(photo.w_plus)
        found = optimise(
            self.networks,
            w_plus,
            objective,
            steps=steps,
            start=None if start is None else self._tensor(start),
            report=preview.through(progress),
        )
        after, labels = self._segmented(w_plus + found.delta)
        agree = np.where(claims.lost > 0, labels + 1 != claims.lost, labels == claims.target)
        report: dict[str, object] = {
            "steps": found.steps,
            "ended_early": found.enough,
            "loss": [found.losses[0], min(found.losses)],
            "terms": found.terms,
            **self._areas(photo, region, claims.changed),
            "agreement": float(agree[claims.changed].mean()),
        }
        return Outcome(_array(found.delta), claims.parts, region, after, labels, report)

    def _claims(self, photo: OpenPhoto, painted: Sequence[PaintedLayer]) -> Claims:
        return read_painted(photo.parts, painted, photo.frame, photo.labels, self.bundle.parts)

    def apply(
        self,
        photo: OpenPhoto,
        edits: Sequence[ScaledEdit],
        *,
        refine: int = 0,
        weights: Weights | None = None,
        progress: Report = ignore,
    ) -> EditResult:
        """Apply editing vectors, w+ + sum s_i delta_i, then `refine` steps of self-supervision
        (paper 3.4).

        Scales beyond +-MAX_SCALE are clamped and reported. Raises NothingChanged when no edit is
        given, WrongBundle for vectors of another shape, UnknownPart, BadSetting.
        """
        began = time.monotonic()
        if not edits:
            raise NothingChanged("No edit was chosen; choose at least one from the library.")
        w_plus = self._tensor(photo.w_plus)
        delta = self._delta(edits)
        edited = self._indices(name for e in edits for name in e.parts)
        parts = tuple(part.name for part in self.bundle.parts if part.index in edited)
        after, labels = self._segmented(w_plus + delta)
        region = region_of_interest(photo.labels, labels, edited, self._large())
        report: dict[str, object] = {
            "refine": 0,
            "ended_early": False,
            "scales": [e.applied for e in edits],
            "clamped": [e.scale for e in edits if e.scale != e.applied],
            **self._areas(photo, region, labels != photo.labels),
        }
        before = self.rebuilt(photo)
        if refine:
            target = self._target(labels, region, np.zeros_like(labels), photo.valid)
            objective = EditObjective(self.networks, before, target, weights or Weights())
            found = optimise(
                self.networks,
                w_plus,
                objective,
                steps=refine,
                start=delta,
                report=part_of(progress, 0.0, 0.95),
            )
            delta = found.delta
            report |= {"refine": found.steps, "ended_early": found.enough}
            after, labels = self._segmented(w_plus + delta)
        layer = self.composite(photo, before, after, region)
        report["seconds"] = time.monotonic() - began
        return EditResult(layer, _array(delta), parts, labels, to_picture(after), report)

    def view(self, photo: OpenPhoto) -> PhotoView:
        """The photo, ready to be looked at with edits at the size of a screen."""
        return PhotoView(self.networks, self.bundle, photo)

    def preview(self, photo: OpenPhoto, edits: Sequence[ScaledEdit]) -> EditPreview:
        """w+ + sum s_i delta_i, generated and segmented, without compositing."""
        w_plus = self._tensor(photo.w_plus)
        before = self.rebuilt(photo)
        after, labels = self._segmented(w_plus + self._delta(edits))
        quality = measure(self.networks, before, after, torch.ones_like(before[:, :1]))
        return EditPreview(to_picture(after), labels, quality.identity)

    def side_effects(self, photo: OpenPhoto, edits: Sequence[ScaledEdit]) -> SideEffects:
        """How vectors change what they should leave alone, before compositing."""
        before = self.rebuilt(photo)
        after, labels = self._segmented(self._tensor(photo.w_plus) + self._delta(edits))
        edited = self._indices(name for e in edits for name in e.parts)
        region = region_of_interest(photo.labels, labels, edited, self._large())
        outside = at_resolution(torch.from_numpy(~region), before.shape[-1]).to(before)
        found = measure(self.networks, before.clamp(-1, 1), after, outside)
        return SideEffects(found.identity, found.perceptual)

    def sample(self, z: Tensor, *, truncation: float = TRUNCATION) -> tuple[Tensor, Tensor]:
        """z (B, z_dim) -> pictures (B, 3, R, R) and their w_plus (B, n_ws, w_dim)."""
        generator = self.networks.generator
        w_plus = generator.map(z.to(self.device), truncation=truncation)
        return self._generate(w_plus)[0], w_plus

    def open_sample(self, seed: int) -> OpenPhoto:
        """A generated picture, uint8 [R, R, 3], as a photo whose code is known."""
        image, w_plus = self.sample(sample_z(self.bundle.config, [seed]))
        pixels, half = to_picture(image), self.bundle.resolution / 2
        frame = CropFrame.from_axes(np.array([half, half]), np.array([half, 0.0]))
        return self.open(pixels, frame, level="known", w_plus=_array(w_plus))

    def composite(
        self, photo: OpenPhoto, before: Tensor, after: Tensor, region: NDArray[np.bool_]
    ) -> ResultLayer:
        """The layer that takes the photo from `before` to `after`, (1, 3, R, R) each."""
        pictures = _picture(before), _picture(after)
        shown = shown_region(region, photo.valid)
        return composite(photo.pixels, photo.frame, *pictures, shown)

    def _segmented(self, w_plus: Tensor) -> tuple[Tensor, NDArray[np.uint8]]:
        """(1, n_ws, w_dim) -> the picture (1, 3, R, R) and its labels [L, L]."""
        image, features = self._generate(w_plus)
        return image, self.networks.segmentation.labels(features).cpu().numpy()

    def rebuilt(self, photo: OpenPhoto) -> Tensor:
        """The photo's reconstruction G(w+), (1, 3, R, R)."""
        return torch.from_numpy(photo.rebuilt)[None].to(self.device)

    @torch.no_grad()
    def _generate(self, w_plus: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self.networks.generator(w_plus)

    def _tensor(self, code: NDArray[np.float32]) -> Tensor:
        """float32 [n_ws, w_dim] -> (1, n_ws, w_dim) on the device; raises WrongBundle."""
        config = self.bundle.config
        if code.shape != (config.n_ws, config.w_dim) or not np.isfinite(code).all():
            raise WrongBundle(
                f"This code or editing vector {code.shape} does not belong to the model "
                f"'{self.bundle.name}', which has {config.n_ws} x {config.w_dim} finite numbers."
            )
        return torch.from_numpy(np.ascontiguousarray(code, dtype=np.float32))[None].to(self.device)

    def _delta(self, edits: Sequence[ScaledEdit]) -> Tensor:
        """sum s_i delta_i, (1, n_ws, w_dim); added by size, so that the order of edits is no
        matter, to the last bit."""
        scaled = torch.stack([self._tensor(e.vector) * e.applied for e in edits])
        return scaled.sort(dim=0).values.sum(dim=0)

    def _areas(
        self, photo: OpenPhoto, region: NDArray[np.bool_], changed: NDArray[np.bool_]
    ) -> dict[str, object]:
        """How much an edit may change, in label pixels, and as a share of what the photo shows."""
        valid = self.at_labels(photo.valid)
        return {
            "area_region": int(region.sum()),
            "area_changed": int(changed.sum()),
            "share_of_subject": float((region & valid).sum() / valid.sum()),
        }

    def _target(
        self,
        labels: NDArray[np.uint8],
        region: NDArray[np.bool_],
        lost: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> EditTarget:
        arrays = (labels.astype(np.int64), region, lost.astype(np.int64), self.at_labels(valid))
        return EditTarget(*(torch.from_numpy(a).to(self.device) for a in arrays))

    def at_labels(self, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        step = self.bundle.resolution // self.networks.segmentation.resolution
        return np.ascontiguousarray(valid[::step, ::step])

    def _large(self) -> list[int]:
        return self._indices(self.bundle.large)

    def _indices(self, parts: Iterable[str]) -> list[int]:
        """Label values of parts, each once; raises UnknownPart."""
        return [self.bundle.part(name).index for name in dict.fromkeys(parts)]


def _array(code: Tensor) -> NDArray[np.float32]:
    """The one item of a batch of one."""
    return code[0].detach().cpu().numpy().copy()


def _picture(image: Tensor) -> NDArray[np.float32]:
    """(1, 3, R, R) -> float32 [R, R, 3] in [-1, 1]."""
    return image[0].clamp(-1, 1).permute(1, 2, 0).cpu().numpy()


def _quality_report(quality: Reconstruction, level: str, seconds: float) -> dict[str, object]:
    words = {"quality": quality.quality, "verdict": quality.verdict}
    return {**asdict(quality), **words, "level": level, "seconds": seconds}
