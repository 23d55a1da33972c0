"""What is measured of a finished photo: by today's composite and by that of an earlier revision."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.editing.editor import Editor, OpenPhoto
from backend.editing.photo_parts import read_parts
from backend.editing.preview.optimisation import laid_over
from backend.editing.region import shown_region
from backend.evaluation.face_mesh import FaceMesh, FaceShape
from backend.evaluation.measures import FACE_MEASURES
from backend.photos.align import CropFrame, extract
from backend.photos.composite import ResultLayer, draw, plan
from backend.photos.motion.diffeomorphism import determinants
from backend.photos.motion.part_change import PartChange
from benchmarks.former_composite import load_former, recorded_shifts

Pixels = NDArray[np.uint8]
_READ = 512  # side of the crops that landmarks are read in
_MEASURED = {  # the landmark measure of a repaint is that of the preset that is most like it
    "closed eyes": "closed-eyes", "bigger smile": "smile", "slimmer nose": "slimmer-nose",
    "fuller lower lip": "fuller-lips",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Edit:
    """An edit in the generator: after [R, R, 3] in [-1, 1], its region [L, L], and the label
    values of the parts that it is about."""

    name: str
    after: NDArray[np.float32]
    region: NDArray[np.bool_]
    change: PartChange
    labels: list[int]


class Judge:
    """Reads finished photos: parts by the bundle's parser, shapes by face landmarks."""

    def __init__(self, editor: Editor, landmarks: Path | None) -> None:
        self._parser, self._parts = editor.networks.parser, editor.bundle.parts
        self._mesh = FaceMesh(landmarks) if landmarks else None

    def parts(self, pixels: Pixels, frame: CropFrame) -> NDArray[np.uint8] | None:
        if self._parser is None:
            return None
        return read_parts(self._parser, pixels, frame, self._parts).labels

    def face(self, pixels: Pixels, frame: CropFrame) -> FaceShape | None:
        return self.seen(extract(pixels, frame, _READ)[0])

    def seen(self, crop: NDArray[np.float32]) -> FaceShape | None:
        """The face of a whole aligned crop, [S, S, 3] in [-1, 1]."""
        if self._mesh is None:
            return None
        whole = cv2.resize(crop, (_READ, _READ), interpolation=cv2.INTER_CUBIC).clip(-1, 1)
        return self._mesh.read(np.rint((whole + 1) * 127.5).astype(np.uint8))

    def landmark(self, edit: str, before: FaceShape | None, after: FaceShape | None) -> float:
        """How much the measure of an edit changed, NaN where it has none."""
        name = edit.removesuffix(" most").removeprefix("paint ")
        measure = FACE_MEASURES.get(_MEASURED.get(name, name))
        if measure is None or before is None or after is None:
            return float("nan")
        return measure.quantity(after) - measure.quantity(before)


@dataclass(frozen=True, eq=False)
class Finished:
    """A composite: the finished photo, its layer, the determinants of its motion, new parts."""

    pixels: Pixels
    layer: ResultLayer
    determinants: NDArray[np.float32]
    fresh: NDArray[np.float32]
    seconds: float


def by_motion(photo: OpenPhoto, edit: Edit) -> Finished:
    """Today's composite."""
    pixels, frame = np.asarray(photo.pixels), photo.frame
    before, shown = _before(photo), shown_region(edit.region, photo.valid)
    began = time.perf_counter()
    change = plan(pixels, frame, before, edit.after, shown, edit.change)
    layer = draw(pixels, frame, change)
    seconds = time.perf_counter() - began
    found = determinants(change.shift * len(change.shift))
    return Finished(laid_over(pixels[..., :3], layer), layer, found, change.fresh, seconds)


def by_revision(revision: str) -> Callable[[OpenPhoto, Edit], Finished]:
    """The composite of an earlier revision."""
    composite, motions = recorded_shifts(load_former(revision))

    def finished(photo: OpenPhoto, edit: Edit) -> Finished:
        pixels, shown = np.asarray(photo.pixels), shown_region(edit.region, photo.valid)
        began = time.perf_counter()
        layer: Any = composite(pixels, photo.frame, _before(photo), edit.after, shown)
        seconds = time.perf_counter() - began
        shift = getattr(motions.pop(), "shift")  # noqa: B009 - of a class that is not known here
        found = determinants(shift * len(shift))
        none = np.zeros((1, 1), np.float32)
        return Finished(laid_over(pixels[..., :3], layer), layer, found, none, seconds)

    return finished


def _before(photo: OpenPhoto) -> NDArray[np.float32]:
    return np.ascontiguousarray(photo.rebuilt.clip(-1, 1).transpose(1, 2, 0))


def figures(photo: OpenPhoto, edit: Edit, done: Finished, judge: Judge) -> dict[str, float]:
    """What is printed of one composite."""
    own = np.asarray(photo.pixels)[..., :3]
    found = judge.parts(done.pixels, photo.frame)
    asked = edit.change.resolved(256)[0].new
    alpha = np.zeros(own.shape[:2], np.uint8)
    h, w = done.layer.pixels.shape[:2]
    alpha[done.layer.y : done.layer.y + h, done.layer.x : done.layer.x + w] = done.layer.pixels[
        ..., 3
    ]
    moved = done.determinants[~_covered(done)]
    return {
        "folded": float((moved <= 0).mean()),
        "determinant": float(moved.min()),
        "detail": _detail(done.pixels, alpha > 128) / max(_detail(own, alpha > 128), 1e-6),
        "was": _iou(edit, judge.parts(own, photo.frame), asked),
        "asked": _iou(edit, found, asked),
        "landmark": judge.landmark(
            edit.name,
            judge.face(own, photo.frame),
            judge.face(done.pixels, photo.frame),
        ),
        "model": judge.landmark(edit.name, judge.seen(_before(photo)), judge.seen(edit.after)),
        "fresh": _fresh_sharpness(done, photo),
        "outside": float((done.pixels != own)[alpha == 0].sum()),
        "seconds": done.seconds,
    }


def _iou(edit: Edit, found: NDArray[np.uint8] | None, asked: NDArray[np.float32]) -> float:
    """Of the edited parts' channels, [256, 256, C]."""
    if found is None:
        return float("nan")
    roles = edit.change.roles
    wanted = [i for i, group in enumerate(roles.channels) if set(group) & set(edit.labels)]
    maps = roles.maps(found)[..., wanted] > 0.5
    target = asked[..., wanted] > 0.5
    return float((maps & target).sum() / max((maps | target).sum(), 1))


def _detail(pixels: Pixels, inside: NDArray[np.bool_]) -> float:
    """Strength of what a blur of 1.5 pixels takes away."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.5)
    return float(np.abs(fine[inside]).mean()) if inside.any() else float("nan")


def _covered(done: Finished) -> NDArray[np.bool_]:
    """Where a new part hides how the photo moved: the opening of a mouth that was cut."""
    if done.fresh.shape != done.determinants.shape:
        return np.zeros(done.determinants.shape, bool)
    return cv2.dilate((done.fresh > 0.2).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _fresh_sharpness(done: Finished, photo: OpenPhoto) -> float:
    """Fine detail of new parts over that of the photo's whole face; NaN without new parts."""
    if not (done.fresh > 0.5).any():
        return float("nan")
    crop = np.rint((extract(done.pixels, photo.frame, 512)[0] + 1) * 127.5).astype(np.uint8)
    new = cv2.resize(done.fresh, (512, 512)) > 0.5
    face = np.zeros((512, 512), bool)
    face[160:400, 130:382] = True
    return _detail(crop, new) / max(_detail(crop, face & ~new), 1e-6)
