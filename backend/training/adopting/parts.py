"""Parts for a new generator: heads on its features, trained on samples that a teacher labelled."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from backend.bundles.bundle import Bundle, write_bundle_json
from backend.bundles.card import with_parts_of
from backend.bundles.networks import (
    load_encoder,
    load_generator,
    new_segmentation_branch,
    save_network,
)
from backend.training.adopting.report import LearnedParts
from backend.training.adopting.teacher import Drawn, Teacher, label_samples, mean_iou
from backend.training.dataset import AlignedDataset
from backend.training.labelled import LabelledCrop
from backend.training.segmentation import build_branch, choose_held_back, score

SHEET = "parts.png"
_HELD_BACK = 0.15  # of the samples, for the score


_TAUGHT = "Parts learned from the model"  # the teacher's terms, behind the checkpoint's own


def under(license: str, bundle: Bundle) -> str:
    """The terms of a bundle whose checkpoint is under `license`: with those of its teacher."""
    _, taught, terms = bundle.license.partition(_TAUGHT)
    return f"{license.rstrip('.')}. {taught}{terms}" if taught else license


def _taught_by(teacher: Bundle, bundle: Bundle) -> Bundle:
    """The bundle with a teacher's parts, and under its terms, too."""
    terms = f"{_TAUGHT} '{teacher.name}': {teacher.license}"
    if terms not in bundle.license:
        bundle = replace(bundle, license=f"{bundle.license.rstrip('.')}. {terms}")
    return with_parts_of(bundle, teacher)


def _add_readers(bundle: Bundle, teacher: Bundle) -> None:
    """What finds subjects and parts in photos, whatever draws them, is good for any model of such
    subjects: the teacher's detector and parser."""
    for network in ("detector", "parser"):
        if teacher.has(network) and not bundle.path(network).is_file():
            shutil.copyfile(teacher.checked_path(network), bundle.path(network))


def learn_parts(
    bundle: Bundle,
    teacher: Teacher,
    folder: Path,
    count: int,
    steps: int,
    *,
    images: Path | None = None,
    quiet: bool = False,
) -> LearnedParts:
    """Label `count` samples, train the branch and write it into the bundle.

    images: aligned photos, whose reconstructions are labelled as well. Computes where the teacher
    does. Returns the intersection over union with it, by part, on samples held back; their sheet
    (sample, itself, the teacher's parts, the branch's) goes into `folder`.
    """
    bundle = _taught_by(teacher.editor.bundle, bundle)
    device = teacher.editor.engine.device
    generator = load_generator(bundle).to(device)
    side = new_segmentation_branch(bundle).resolution
    drawn = Drawn(generator)
    if images is not None:
        drawn = Drawn(generator, load_encoder(bundle).to(device), AlignedDataset(images))
    codes, crops = label_samples(teacher, drawn, count, side, folder / "labels", quiet=quiet)
    held = set(choose_held_back(crops, round(_HELD_BACK * len(crops)), len(bundle.parts)))
    taught = [i for i in range(len(crops)) if i not in held]

    def some(chosen: list[int]) -> tuple[list[Tensor], list[LabelledCrop]]:
        return [codes[i] for i in chosen], [crops[i] for i in chosen]

    branch = build_branch(bundle, generator, *some(taught), steps, quiet=quiet)
    iou = score(branch, generator, *some(sorted(held)), bundle.parts, folder / SHEET)
    save_network(branch, bundle.path("segmentation"))
    _add_readers(bundle, teacher.editor.bundle)
    write_bundle_json(bundle)
    named = zip((part.name for part in bundle.parts), iou, strict=True)
    shown = {name: share for name, share in named if share == share}
    return LearnedParts(len(crops), shown, mean_iou(iou), teacher.editor.bundle.name)
