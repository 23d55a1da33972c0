"""Labelling a model's pictures, and training on the labels: requests that need the device."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import torch

from backend.bundles import find_bundle
from backend.editing.progress import Progress, ProgressCallback
from backend.errors import BadImage, BadSetting
from backend.photos.folder import read_rgb
from backend.server import wire
from backend.server.jobs import Job
from backend.server.own_models import described, own_model
from backend.server.sessions import PhotoSession
from backend.server.wire import to_pixels
from backend.training.adopting import own_samples
from backend.training.adopting.own_samples import Course, learn_encoder
from backend.training.labelling.drawing import add_photo, sample_to_paint
from backend.training.labelling.own_labels import own_labels
from backend.training.parts_from_labels import LabelCourse, learn_from_labels
from protocol import messages as m
from protocol.geometry import Rect
from protocol.paths import data_dir

_HELD_BACK = 5  # of so many labelled pictures one is kept for the score
_EMBEDDING_STEPS = 20  # of mirror images


def drawn(request: m.DrawSample, device: str, job: Job) -> m.SampleToLabel:
    """Raises BadImage, BadSetting, UnknownBundle."""
    bundle = find_bundle(request.bundle)
    labels = own_labels(bundle)
    if not labels.parts:
        raise BadSetting(f"Name the parts of '{bundle.name}' first.")
    found = sample_to_paint(
        bundle, labels, request.sample, request.candidates, device, _reporting(job),
        fresh=request.fresh,
    )  # fmt: skip
    height, width = found.picture.shape[:2]
    parts = [wire.part_layer(part, Rect(0, 0, width, height)) for part in found.parts]
    return m.SampleToLabel(found.name, to_pixels(found.picture), parts, found.unsure)


def labelled_photo(session: PhotoSession, layers: list[m.PaintedPart]) -> m.ModelLabels:
    """Raises BadImage, UnknownPart, UnknownBundle."""
    bundle = find_bundle(session.bundle)
    labels = own_labels(bundle)
    name = f"photo-{session.photo[:12]}"
    add_photo(labels, bundle, session.opened, wire.painted(layers, session.rect), name)
    return m.ModelLabels(described(bundle, labels))


def trained(request: m.TrainParts | m.TrainEncoder, device: str, job: Job) -> m.Message:
    """Raises BadImage, BadSetting, UnknownBundle."""
    torch.manual_seed(0)
    if isinstance(request, m.TrainParts):
        return _parts(request, device, _reporting(job))
    return _encoder(request, device, _reporting(job))


def _parts(request: m.TrainParts, device: str, progress: ProgressCallback) -> m.PartsTrained:
    bundle = own_model(request.bundle)
    labels = own_labels(bundle)
    count = len(labels.labelled())
    if not count:
        raise BadImage(f"Nothing is painted on the pictures of '{bundle.name}' yet.")
    with tempfile.TemporaryDirectory(prefix="editgan-") as folder:
        sheet = Path(folder) / "sheet.png"
        course = LabelCourse(
            images=labels.folder,
            steps=request.steps,
            held_back=math.ceil(count / _HELD_BACK) if count > 2 else 0,
            mirrored_samples=bundle.has("encoder"),
            embedding_steps=_EMBEDDING_STEPS,
            sheet=sheet,
            device=device,
            quiet=True,
        )
        found = learn_from_labels(labels.bundle, course, progress)
        picture = _picture(sheet)
    iou = {name: value for name, value in found.iou.items() if value == value}
    return m.PartsTrained(
        described(find_bundle(request.bundle)),
        found.pictures,
        len(found.held_back),
        iou,
        float(np.mean(list(iou.values()))) if iou else None,
        picture,
    )


def _encoder(request: m.TrainEncoder, device: str, progress: ProgressCallback) -> m.EncoderTrained:
    bundle = own_model(request.bundle)
    if bundle.encoder != "residual":
        raise BadSetting(f"'{bundle.name}' came with an encoder of its own.")
    folder = data_dir() / "adopting" / bundle.name
    folder.mkdir(parents=True, exist_ok=True)
    found = learn_encoder(
        bundle, folder, Course(request.images, at_once=2), device=device, quiet=True,
        progress=progress,
    )  # fmt: skip
    return m.EncoderTrained(
        described(find_bundle(request.bundle)),
        found.distance_before,
        found.distance,
        _picture(folder / own_samples.SHEET),
    )


def _reporting(job: Job) -> ProgressCallback:
    def report(step: Progress) -> bool:
        return job.report(step.fraction, step.text)

    return report


def _picture(path: Path) -> m.Pixels | None:
    return to_pixels(read_rgb(path)) if path.is_file() else None
