"""Parts for a new generator: heads on its features, trained on samples that a teacher labelled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from backend.bundles.bundle import Bundle, write_bundle_json
from backend.bundles.networks import load_generator, new_segmentation_branch, save_network
from backend.training.adopting.report import LearnedParts
from backend.training.adopting.teacher import Teacher, label_samples, mean_iou
from backend.training.labelled import LabelledCrop
from backend.training.segmentation import build_branch, choose_held_back, score

SHEET = "parts.png"
_HELD_BACK = 0.15  # of the samples, for the score


def with_parts_of(bundle: Bundle, teacher: Bundle) -> Bundle:
    """The bundle with a teacher's parts and groups in its description."""
    return replace(bundle, parts=teacher.parts, groups=teacher.groups, large=teacher.large)


def learn_parts(
    bundle: Bundle, teacher: Teacher, folder: Path, count: int, steps: int, *, quiet: bool = False
) -> LearnedParts:
    """Label `count` samples, train the branch and write it into the bundle.

    Returns the intersection over union with the teacher, by part, on samples held back; their
    sheet (sample, itself, the teacher's parts, the branch's) goes into `folder`.
    """
    bundle = with_parts_of(bundle, teacher.editor.bundle)
    generator = load_generator(bundle)
    side = new_segmentation_branch(bundle).resolution
    codes, crops = label_samples(teacher, generator, count, side, folder / "labels", quiet=quiet)
    held = set(choose_held_back(crops, round(_HELD_BACK * len(crops)), len(bundle.parts)))
    taught = [i for i in range(len(crops)) if i not in held]

    def some(chosen: list[int]) -> tuple[list[Tensor], list[LabelledCrop]]:
        return [codes[i] for i in chosen], [crops[i] for i in chosen]

    branch = build_branch(bundle, generator, *some(taught), steps, quiet=quiet)
    iou = score(branch, generator, *some(sorted(held)), bundle.parts, folder / SHEET)
    save_network(branch, bundle.path("segmentation"))
    write_bundle_json(bundle)
    names = [part.name for part in bundle.parts]
    shares = dict(zip(names, iou, strict=True))
    return LearnedParts(len(crops), shares, mean_iou(iou), teacher.editor.bundle.name)
