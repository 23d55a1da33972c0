"""Labels for a new generator's samples, by a model that knows such subjects already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from backend.bundles.networks import AnyEncoder
from backend.editing.editor import Editor
from backend.editing.engine import array_of
from backend.editing.opening import photo_parts
from backend.errors import BadImage, EditGanError
from backend.models.config import GeneratorConfig
from backend.models.generator import Generator, sample_z
from backend.models.pictures import to_picture
from backend.photos.align import CropFrame, centred
from backend.photos.cv import resize, warp_affine
from backend.photos.detect import make_detector
from backend.training.dataset import AlignedDataset
from backend.training.labelled import LabelledCrop

_FIRST_SEED = 40_000  # of the samples that are labelled: none that anybody looks at first
_TRUNCATION = 0.8
_SURE = 0.5  # probability of its part that a pixel must have
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
        frame = self._frame(pixels)
        seen = self._probabilities(pixels, frame)
        large = max(side, seen.shape[1])
        matrix = centred(frame.scaled(large / len(pixels)).to_pixels(seen.shape[1]))
        shares = np.stack([_placed(part, matrix, large, side) for part in seen])
        return shares.argmax(axis=0).astype(np.uint8), shares.max(axis=0) >= _SURE

    def _frame(self, pixels: NDArray[np.uint8]) -> CropFrame:
        if not self._whole:
            return self._detector.find(pixels)[0].frame
        return CropFrame.of_whole(len(pixels), len(pixels))

    def _probabilities(self, pixels: NDArray[np.uint8], frame: CropFrame) -> NDArray[np.float32]:
        """Of the parts in a frame, float32 [P, S, S]; nothing where something lies before them."""
        engine = self.editor.engine
        seen = photo_parts(engine, pixels, frame)
        if seen is not None:
            return seen.parts * (1 - seen.covered)
        code = self.editor.open(pixels, frame, level="fast").w_plus
        with torch.no_grad():
            _, features = engine.generate(engine.tensor(code))
            return array_of(engine.networks.segmentation.probabilities(features)[None])


def _placed(
    part: NDArray[np.float32], matrix: NDArray[np.float64], large: int, side: int
) -> NDArray[np.float32]:
    """A map of a frame in the picture that the frame lies in, averaged: float32 [side, side]."""
    placed = warp_affine(part, matrix, (large, large), flags=cv2.INTER_LINEAR)
    return resize(placed, (side, side), cv2.INTER_AREA)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Where pictures to be labelled come from: every other one is the reconstruction of a photo
    by an encoder, where there are photos."""

    generator: Generator
    encoder: AnyEncoder | None = None
    photos: AlignedDataset | None = None

    @torch.no_grad()
    def code(self, seed: int) -> Tensor:
        """(1, n_ws, w_dim)."""
        if self.encoder is not None and self.photos is not None and seed % 2:
            photo = self.photos.batch([seed // 2 % len(self.photos)], self.config.resolution)
            return self.encoder(photo.to(self.generator.w_avg), self.generator.w_avg)
        z = sample_z(self.config, [seed]).to(self.generator.w_avg)
        return self.generator.map(z, truncation=_TRUNCATION)

    @property
    def config(self) -> GeneratorConfig:
        return self.generator.config


def label_samples(
    teacher: Teacher,
    drawn: Drawn,
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
    codes, crops = list[Tensor](), list[LabelledCrop]()
    bar = tqdm(total=count, desc="Labelling samples", unit="img", disable=quiet or None)
    for seed in range(_FIRST_SEED, _FIRST_SEED + _TRIES * count):
        if len(crops) == count:
            break
        code = drawn.code(seed)
        with torch.no_grad():  # not around the teacher, which may embed
            pixels = to_picture(drawn.generator(code)[0])
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
