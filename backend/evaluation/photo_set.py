"""The photos of an evaluation: found below one folder, aligned and embedded once each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from backend.editing.editor import Editor, OpenPhoto
from backend.editing.inversion import LEVELS, InversionLevel, invert
from backend.evaluation.store import Store
from backend.models.pictures import to_uint8
from backend.photos.align import CropFrame, covered, extract
from backend.photos.composite import ResultLayer
from backend.photos.folder import find_images, photo_name, read_rgb
from backend.photos.photo import Photo
from backend.photos.pixels import to_bytes
from protocol.errors import UserError

STEPS = {
    "encoder only": InversionLevel(0),
    "+20 steps": replace(LEVELS["balanced"], steps=20),
    "+100 steps": LEVELS["balanced"],
}
"""The embeddings that are compared; the last one is what edits start from."""

_BATCH = 8  # pictures generated at once
_LOOKED = 64  # side of the crop by which it is told how much of a subject a photo shows
_COVERED = 0.5  # of the crop: a subject that lies mostly outside the photo is none
_SEED = 0  # of the order in which photos are taken


class PhotoSet:
    """Photos by name, `folder/file`, as seen by one editor. What is slow comes from the store."""

    def __init__(self, editor: Editor, folder: Path, store: Store, *, quiet: bool = False) -> None:
        """Raises BadImage when there is no picture below the folder."""
        self.editor, self.store, self._quiet = editor, store, quiet
        self.skipped: set[str] = set()  # names of photos that could not be used
        self.paths = {photo_name(p): p for p in find_images([folder])}

    @property
    def size(self) -> int:
        """The side of every crop: the generator's resolution."""
        return self.editor.bundle.resolution

    def shuffled(self, names: Iterable[str] | None) -> list[str]:
        """Those of `names` (None: all photos) that are here, in an order that never changes."""
        here = sorted(self.paths.keys() if names is None else self.paths.keys() & set(names))
        return [here[i] for i in np.random.default_rng(_SEED).permutation(len(here))]

    def with_subject(self, names: Sequence[str], count: int | None = None) -> list[str]:
        """The first `count` of the photos in which a subject is found."""
        found: list[str] = []
        for name in self.each(names, "finding subjects"):
            if len(found) == count:
                break
            if self.frame(name) is not None:
                found.append(name)
        return found

    def each(self, items: Sequence[str], text: str) -> Iterator[str]:
        """The items, with progress on stderr."""
        return iter(tqdm(items, text, file=sys.stderr, disable=self._quiet or None, leave=False))

    def key(self, name: str) -> tuple[str, int]:
        """What tells this photo from all others in the store, also after it was replaced."""
        path = self.paths[name]
        return str(path.resolve()), path.stat().st_mtime_ns

    def pixels(self, name: str) -> NDArray[np.uint8]:
        """uint8 [H, W, 3]."""
        return read_rgb(self.paths[name])

    def frame(self, name: str) -> CropFrame | None:
        """Where the largest subject is; None when there is none, when most of it lies outside the
        photo, or when the photo cannot be read: it is skipped then, see `skipped`."""

        def detect() -> NDArray[np.float64]:
            try:
                pixels = self.pixels(name)
                frame = self.editor.find_subjects(pixels)[0].frame
            except UserError:
                return np.zeros((0, 2))
            shown = covered(frame, _LOOKED, pixels.shape[1], pixels.shape[0]).mean()
            return frame.quad if shown >= _COVERED else np.zeros((0, 2))

        quad = self.store.array(detect, "frame", self.editor.bundle.domain, self.key(name))
        if not len(quad):
            self.skipped.add(name)
        return CropFrame(quad) if len(quad) else None

    def crop(self, name: str, side: int | None = None) -> NDArray[np.uint8]:
        """The subject as the generator would show it, uint8 [side, side, 3]; its own side when
        None."""
        return to_bytes(self._extract(name, side or self.size)[0])

    def tensors(self, name: str) -> tuple[Tensor, Tensor]:
        """The crop (1, 3, R, R) in [-1, 1] and what the photo covers of it, (1, 1, R, R)."""
        crop, valid = self._extract(name, self.size)
        image = torch.from_numpy(crop).permute(2, 0, 1)[None].to(self.editor.device)
        return image, torch.from_numpy(valid)[None, None].float().to(self.editor.device)

    def code(self, name: str, steps: str) -> NDArray[np.float32]:
        """The embedding w_plus [n_ws, w_dim] after one of `STEPS`."""

        def embed() -> NDArray[np.float32]:
            code = invert(self.editor.networks, *self.tensors(name), STEPS[steps])
            return code[0].detach().cpu().numpy()

        bundle = self.editor.bundle.files
        key = ("code", self.key(name), STEPS[steps], bundle["generator.safetensors"])
        return self.store.array(embed, *key, bundle["encoder.safetensors"])

    def open(self, name: str) -> OpenPhoto:
        """The photo, embedded in 100 steps."""
        frame = self._known(name)
        return self.editor.open(self.pixels(name), frame, w_plus=self.code(name, "+100 steps"))

    def _extract(self, name: str, side: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        return extract(self.pixels(name), self._known(name), side)

    def _known(self, name: str) -> CropFrame:
        frame = self.frame(name)
        assert frame is not None, f"{name} shows no subject"
        return frame


def composite_crop(photo: OpenPhoto, layer: ResultLayer, size: int) -> NDArray[np.uint8]:
    """The subject in the photo under a result layer, uint8 [size, size, 3]."""
    shown = Photo(photo.pixels).with_layer(layer).pixels
    return to_bytes(extract(shown, photo.frame, size)[0])


@torch.no_grad()
def generated_crops(
    editor: Editor, w_plus: NDArray[np.float32], deltas: Sequence[NDArray[np.float32]]
) -> list[NDArray[np.uint8]]:
    """G(w+ + delta) for each delta, [n_ws, w_dim] as w_plus; uint8 [R, R, 3] each."""
    codes = torch.from_numpy(w_plus + np.stack(deltas)).to(editor.device)
    batches = (editor.networks.generator(some)[0] for some in codes.split(_BATCH))
    return list(np.concatenate([to_uint8(images) for images in batches]))


def rebuilt_crop(photo: OpenPhoto) -> NDArray[np.uint8]:
    """The photo's reconstruction G(w+), uint8 [R, R, 3]."""
    return to_bytes(photo.rebuilt.transpose(1, 2, 0))
