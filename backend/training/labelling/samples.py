"""The generator's own pictures as a label set: no embedding stands between their codes and labels.

A label set made so holds `sample-N.png`, its map `sample-N_parts.png`, and `codes.safetensors`, the
codes that drew them (DatasetGAN: Zhang et al. 2021, section 3). Where a segmentation branch is
there already, the samples about which its heads disagree most are taken first, and what it says of
them is drawn on the maps, to be corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from backend.bundles.bundle import Part
from backend.errors import BadImage
from backend.models.generator import Generator, sample_z
from backend.models.pictures import to_picture
from backend.models.segmentation import SegmentationBranch
from backend.photos.align import CropFrame
from backend.photos.cv import resize
from backend.photos.pixels import from_bytes
from backend.training.labelled import UNLABELLED, LabelledCrop, LabelSet, label_crop
from backend.training.labelling.files import CODES, write_classes, write_label_map

_NAME = "sample-{:06d}"
_TRUNCATION = 0.8


@dataclass(frozen=True, eq=False)
class Candidate:
    """A sample that might be labelled: its seed, code (1, n_ws, w_dim), and how unsure the branch
    is of it (nats, mean over pixels; None without a branch)."""

    seed: int
    code: Tensor
    unsure: float | None


def read_codes(folder: Path, generator_sha: str) -> dict[str, Tensor]:
    """The codes of a label set's samples by name; empty where it has none.

    Raises BadImage when another generator drew them.
    """
    path = folder / CODES
    if not path.is_file():
        return {}
    with safe_open(path, "pt") as file:
        if (file.metadata() or {}).get("generator") != generator_sha:
            raise BadImage(
                f"Another generator drew the samples in {folder}: label this model's own in a new "
                "folder."
            )
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@torch.no_grad()
def candidates(
    generator: Generator,
    branch: SegmentationBranch | None,
    seeds: Sequence[int],
    *,
    seen: Callable[[], object] = lambda: None,
) -> list[Candidate]:
    """A candidate for each seed. branch: where there is one for the parts that are to be labelled,
    those samples come first of which it is least sure. seen: called after each."""
    found = []
    for seed in seeds:
        z = sample_z(generator.config, [seed]).to(generator.w_avg.device)
        code, unsure = generator.map(z, truncation=_TRUNCATION), None
        if branch is not None:
            unsure = float(branch.uncertainty(generator(code)[1]).mean())
        found.append(Candidate(seed, code, unsure))
        seen()
    return sorted(found, key=lambda one: -(one.unsure or 0.0))


def keep_code(folder: Path, generator_sha: str, name: str, code: Tensor) -> None:
    """Remember the code (1, n_ws, w_dim) of a label set's picture; raises BadImage."""
    codes = read_codes(folder, generator_sha)
    codes[name] = code.cpu().contiguous()
    save_file(codes, folder / CODES, {"generator": generator_sha})


def next_seed(folder: Path) -> int:
    """The first seed that no sample of a label set has."""
    used = [int(p.stem.rpartition("-")[2]) for p in folder.glob("sample-" + "[0-9]" * 6 + ".png")]
    return max(used, default=-1) + 1


@torch.no_grad()
def add_samples(
    folder: Path,
    generator: Generator,
    generator_sha: str,
    branch: SegmentationBranch | None,
    parts: Sequence[Part],
    chosen: Sequence[Candidate],
) -> list[Path]:
    """Write pictures, maps and codes into a label set; returns the maps, which are to be painted.

    A map is empty ("not labelled"), or shows what the branch says. Raises BadImage.
    """
    codes, maps = read_codes(folder, generator_sha), []
    write_classes(folder, parts)
    for one in chosen:
        name = _NAME.format(one.seed)
        image, features = generator(one.code)
        picture = to_picture(image)
        Image.fromarray(picture).save(folder / f"{name}.png")
        first = np.full(picture.shape[:2], UNLABELLED, np.uint8)
        if branch is not None:
            labels = branch.labels(features).cpu().numpy()
            first = resize(labels, picture.shape[1::-1], cv2.INTER_NEAREST)
        maps.append(write_label_map(folder, name, first, parts))
        codes[name] = one.code.cpu().contiguous()
    save_file(codes, folder / CODES, {"generator": generator_sha})
    return maps


def read_samples(
    label_set: LabelSet, codes: dict[str, Tensor], parts: Sequence[str], side: int
) -> tuple[list[Tensor], list[LabelledCrop]]:
    """The painted samples of a label set: their codes, and their crops with labels [side, side].

    A map on which nothing is painted yet is left out. Raises BadImage.
    """
    used, crops = [], []
    for name, code in codes.items():
        wanted = label_set.map_of(name, parts)
        if (wanted == UNLABELLED).all():
            continue
        picture = label_set.photo(name)
        frame = CropFrame.of_whole(*picture.shape[1::-1])
        labels, labelled = label_crop(wanted, frame, side, len(parts))
        valid = np.ones(picture.shape[:2], bool)
        used.append(code)
        crops.append(LabelledCrop(name, from_bytes(picture), valid, labels, labelled))
    return used, crops
