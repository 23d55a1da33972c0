"""Labels for a new generator's samples, by a model that knows such subjects already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from backend.editing.editor import Editor
from backend.editing.opening import photo_parts
from backend.errors import BadImage, EditGanError
from backend.models.generator import Generator, sample_z
from backend.models.pictures import to_picture
from backend.photos.align import CropFrame
from backend.photos.detect import make_detector
from backend.photos.parts import PartMask, draw_parts
from backend.training.labelled import LabelledCrop

_FIRST_SEED = 40_000  # of the samples that are labelled: none that anybody looks at first
_TRUNCATION = 0.8
_SURE = 0.6  # share of a pixel that its part must have
_ENOUGH = 0.5  # share of a sample's pixels that must be labelled
_TRIES = 4  # samples that are drawn for each one that is wanted


class Teacher:
    """A finished model whose parts the new one is to have."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self._detector = make_detector(editor.bundle.domain)
        self._whole = editor.bundle.domain != "faces"

    def label(
        self, pixels: NDArray[np.uint8], side: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Parts of a picture uint8 [R, R, 3], and where they are sure: uint8, bool [side, side].

        By the model's parser, which sees the picture itself, or else by its branch, after the
        picture was embedded. Raises NoSubject.
        """
        masks = self._parts(pixels, self._frame(pixels))
        shares = np.zeros((len(masks), *pixels.shape[:2]), np.float32)
        for i, mask in enumerate(masks):
            height, width = mask.alpha.shape
            shares[i, mask.y : mask.y + height, mask.x : mask.x + width] = mask.alpha / 255
        small = np.stack(
            [cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in shares]
        )
        return small.argmax(axis=0).astype(np.uint8), small.max(axis=0) >= _SURE

    def _frame(self, pixels: NDArray[np.uint8]) -> CropFrame:
        if not self._whole:
            return self._detector.find(pixels)[0].frame
        return CropFrame.of_whole(len(pixels), len(pixels))

    def _parts(self, pixels: NDArray[np.uint8], frame: CropFrame) -> list[PartMask]:
        seen = photo_parts(self.editor.engine, pixels, frame)
        if seen is None:
            return self.editor.open(pixels, frame, level="fast").parts
        return draw_parts(seen.parts, pixels, frame, self.editor.bundle.parts)


def label_samples(
    teacher: Teacher,
    generator: Generator,
    count: int,
    side: int,
    kept: Path,
    *,
    quiet: bool = False,
) -> tuple[list[Tensor], list[LabelledCrop]]:
    """Codes (1, n_ws, w_dim) and labels of `count` samples; those that show no subject, or whose
    parts are unsure, are left out.

    kept: a folder that keeps what was labelled, so that an interrupted run resumes. Raises BadImage
    where too few can be labelled.
    """
    kept.mkdir(parents=True, exist_ok=True)
    device = generator.w_avg.device
    codes, crops = list[Tensor](), list[LabelledCrop]()
    bar = tqdm(total=count, desc="Labelling samples", unit="img", disable=quiet or None)
    for seed in range(_FIRST_SEED, _FIRST_SEED + _TRIES * count):
        if len(crops) == count:
            break
        z = sample_z(generator.config, [seed]).to(device)
        with torch.no_grad():  # not around the teacher, which may embed
            code = generator.map(z, truncation=_TRUNCATION)
            pixels = to_picture(generator(code)[0])
        found = _kept(kept / f"{seed}.npz", teacher, pixels, side)
        if found is not None:
            codes.append(code.cpu())
            crops.append(_crop(str(seed), pixels, *found))
            bar.update()
    bar.close()
    if len(crops) < min(count, 8):
        title = teacher.editor.bundle.title
        raise BadImage(
            f"'{title}' recognises its subjects in too few of the new generator's samples "
            f"({len(crops)} of {count}): label some by hand (docs/own-model.md)."
        )
    return codes, crops


def _kept(
    path: Path, teacher: Teacher, pixels: NDArray[np.uint8], side: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
    """The labels of a sample, from an earlier run or made now; None where they are of no use."""
    if path.is_file():
        with np.load(path, allow_pickle=False) as file:
            labels, sure = file["labels"], file["sure"]
    else:
        try:
            labels, sure = teacher.label(pixels, side)
        except EditGanError:
            labels, sure = np.zeros((side, side), np.uint8), np.zeros((side, side), bool)
        np.savez_compressed(path, labels=labels, sure=sure)
    return (labels, sure) if sure.shape == (side, side) and sure.mean() >= _ENOUGH else None


def _crop(
    name: str, pixels: NDArray[np.uint8], labels: NDArray[np.uint8], sure: NDArray[np.bool_]
) -> LabelledCrop:
    image = pixels.astype(np.float32) / 127.5 - 1
    return LabelledCrop(name, image, np.ones(pixels.shape[:2], bool), labels, sure)


def mean_iou(scores: Sequence[float]) -> float:
    """The mean over parts that occur."""
    known = [score for score in scores if score == score]
    return float(np.mean(known)) if known else 0.0
