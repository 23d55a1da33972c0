"""How long an adoption takes on the device that is there, and in how much memory: measured on one
step of each kind before it begins."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_generator
from backend.editing.editor import Editor
from backend.errors import EditGanError
from backend.models.generator import sample_z
from backend.models.pictures import to_picture
from backend.models.segmentation import SegmentationBranch
from backend.training.adopting.own_samples import SampleTrainer
from backend.training.adopting.teacher import Drawn, Teacher
from backend.training.heads import train_heads
from backend.training.segmentation import features_bytes

_GB = 1 << 30
_ROWS, _STEPS = 1024, 5  # of training heads, tried


@dataclass(frozen=True)
class Estimate:
    """hours of each step that is still to be done, by name, and memory in GB at its peak, of the
    GPU where one is used."""

    hours: dict[str, float]
    gigabytes: float

    def sentence(self, device: str) -> str:
        steps = ", ".join(f"{name} {duration(hours)}" for name, hours in self.hours.items())
        total, memory = duration(sum(self.hours.values())), f"{self.gigabytes:.1f} GB"
        where = "the GPU's memory" if device.startswith("cuda") else "memory"
        return f"This takes about {total} ({steps}) and {memory} of {where}."


def duration(hours: float) -> str:
    """In words, with no more precision than an estimate has."""
    if hours < 1.5 / 60:
        return "a minute"
    return f"{60 * hours:.0f} minutes" if hours < 1.5 else f"{hours:.1f} hours"


def seconds_of(work: Callable[[], object], device: str, *, times: int = 1) -> float:
    """Of the clock, for each time; a first time is not counted."""
    work()
    began = _clock(device)
    for _ in range(times):
        work()
    return (_clock(device) - began) / times


def _clock(device: str) -> float:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter()


def peak(device: str) -> float:
    """The most memory so far, in GB: of the GPU, or of this process."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_reserved() / _GB
    if sys.platform == "win32":
        return 0.0
    import resource

    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / _GB


def encoder_hours(bundle: Bundle, images: int, batch: int, at_once: int, device: str) -> float:
    """Hours that `images` samples take."""
    trainer = SampleTrainer(bundle, device=device, at_once=at_once)
    return seconds_of(lambda: trainer.step(None, batch), device) * images / batch / 3600


def pictures_hours(bundle: Bundle, count: int, device: str) -> float:
    """Hours that `count` pictures of the generator take."""
    generator = load_generator(bundle).to(device)
    with torch.no_grad():
        code = generator.map(sample_z(bundle.config, [0]).to(device))
        return seconds_of(lambda: generator(code), device) * count / 3600


def parts_hours(
    bundle: Bundle, teacher: Bundle, labelled: int, steps: int, device: str
) -> tuple[float, float]:
    """Hours that labelling samples and training heads on them take, and GB of the features that
    they are trained on, which lie in the computer's memory."""
    generator = load_generator(bundle).to(device)
    labels_of, drawn = Teacher(Editor(teacher, device)), Drawn(generator)
    side = SegmentationBranch(bundle.config.feature_channels, 1, bundle.resolution).resolution

    def label() -> None:
        with torch.no_grad():
            pixels = to_picture(generator(drawn.code(0))[0])
        with contextlib.suppress(EditGanError):  # no subject is recognised in this one
            labels_of.label(pixels, side)

    inputs = sum(bundle.config.feature_channels)
    rows = torch.zeros(_ROWS, inputs).half()
    classes = torch.zeros(_ROWS, dtype=torch.int64), torch.zeros(len(teacher.parts))
    heads = seconds_of(
        lambda: train_heads(rows, *classes, steps=_STEPS, device=torch.device(device), quiet=True),
        device,
    )
    hours = (labelled * seconds_of(label, device) + steps / _STEPS * heads) / 3600
    return hours, features_bytes(inputs, len(teacher.parts), side, labelled) / _GB
