"""How well an adopted model finds parts in labelled photographs that it has never seen."""

from __future__ import annotations

from pathlib import Path

import torch

from backend.bundles.bundle import Bundle
from backend.bundles.networks import load_networks
from backend.training.adopting.report import CheckedParts
from backend.training.adopting.teacher import mean_iou
from backend.training.embedded import embed_all
from backend.training.labelled import LabelSet, read_labelled
from backend.training.part_names import named_as
from backend.training.segmentation import score

CODES, SHEET = "checked.safetensors", "checked.png"
_STEPS = 40  # of embedding a photo, as for training a branch


def check_parts(
    bundle: Bundle, labels: Path, folder: Path, count: int, *, device: str, quiet: bool = False
) -> CheckedParts:
    """Embed up to `count` labelled photos and compare the branch's parts with those drawn by hand.

    labels: a label set (N_parts.png and classes.json) with its photos; classes count by their
    names, those of other things are left out. A sheet (photo, reconstruction, the labels, what the
    branch says) and the codes go into `folder`, so that an interrupted check resumes. Raises
    BadImage.
    """
    label_set = LabelSet.open(labels, labels)
    networks = load_networks(bundle, torch.device(device))
    parts = [part.name for part in bundle.parts]
    skipped: list[str] = []
    crops = read_labelled(
        label_set, parts, bundle.domain, bundle.resolution, networks.segmentation.resolution,
        skipped, label_set.names()[:count], aspect=bundle.aspect, whole=bundle.whole,
        all_parts=False,
    )  # fmt: skip
    codes = embed_all(networks, crops, _STEPS, folder / CODES, bundle.sha, quiet=quiet)
    found = score(
        networks.segmentation, networks.generator, codes, crops, bundle.parts, folder / SHEET
    )
    classes = named_as(label_set.classes, parts)
    shared = {n: iou for n, iou in zip(parts, found, strict=True) if n in classes}
    occurring = {name: iou for name, iou in shared.items() if iou == iou}
    unknown = [name for name in classes if name not in parts]
    mean = mean_iou(list(occurring.values()))
    return CheckedParts(len(crops), len(skipped), occurring, mean, unknown)
