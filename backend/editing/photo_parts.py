"""Where the parts of the *photo* are, as a face parser sees them, and what covers the face.

The segmentation branch knows the parts of the generator's reconstruction; the two can disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from backend.bundles.bundle import Part
from backend.models.parser import CLASSES, RESOLUTION, SIZES, FaceParser
from backend.photos.align import CropFrame, extract
from backend.photos.cv import resize

Floats = NDArray[np.float32]

# Which of a bundle's parts shows what the parser names, the first that the bundle has.
_PARTS = {
    "background": ("background",),
    "skin": ("skin", "face"),
    "nose": ("nose", "skin"),
    "left eye": ("left eye", "eyes", "eye", "skin"),
    "right eye": ("right eye", "eyes", "eye", "skin"),
    "left brow": ("left brow", "brows", "brow", "skin"),
    "right brow": ("right brow", "brows", "brow", "skin"),
    "left ear": ("left ear", "ears", "ear", "skin"),
    "right ear": ("right ear", "ears", "ear", "skin"),
    "mouth inside": ("mouth interior", "mouth", "lower lip"),
    "upper lip": ("upper lip", "lips", "mouth"),
    "lower lip": ("lower lip", "lips", "mouth"),
    "hair": ("hair", "background"),
    "hat": ("hat", "clothes", "background"),
    "earring": ("earring", "clothes", "background"),
    "necklace": ("necklace", "clothes", "background"),
    "neck": ("neck", "skin"),
    "cloth": ("clothes", "background"),
    "occluder": ("background",),
}
_EYES, _FAINTEST = ("left eye", "right eye"), 0.1  # least probability of an eye that is one
_THINGS = ("occluder", "hat", "earring")  # that lie before a face; glasses are looked through
_FACE = (
    *("skin", "nose", "left eye", "right eye", "left brow", "right brow"),
    *("mouth inside", "upper lip", "lower lip"),
)
_RIM = 0.02  # width of a pair of glasses' rims, crop sides
_REBUILT = 0.15  # weight of the reconstruction in part layers
_DARK = 6e-4  # of the crop: an eye behind glasses that shows less of itself is not seen


_LANDMARKS = (  # with area and height of the middle in a frame, crop sides; medians of portraits
    (("left eye", "right eye", "eye glasses"), 0.0043, 0.475),
    (("nose",), 0.0198, 0.574),
)
_SPREAD = 0.06  # of those heights


@dataclass(frozen=True, eq=False)
class PhotoParts:
    """The parser's view of an aligned crop, all maps float32 [S, S] in 0..1, S = 256.

    parts: [P, S, S], the probability of each of the bundle's parts, which add up to one; below
    glasses those of what is seen through them. covered: what lies before the face and is none of
    its parts: hands, microphones, masks, hats, earrings, the rims of glasses, dark glasses. face:
    skin, brows, eyes, nose and mouth themselves. nose: the nose.
    """

    parts: Floats
    covered: Floats
    face: Floats
    nose: Floats

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The most probable part of each pixel, [S, S]."""
        return self.parts.argmax(axis=0).astype(np.uint8)

    def at(self, size: int) -> PhotoParts:
        """The same at another resolution."""
        return PhotoParts(
            np.stack([_resized(part, size) for part in self.parts]),
            _resized(self.covered, size),
            _resized(self.face, size),
            _resized(self.nose, size),
        )


def read_parts(
    parser: FaceParser,
    photo: NDArray[np.generic],
    frame: CropFrame,
    parts: Sequence[Part],
    sizes: Sequence[int] = SIZES,
) -> PhotoParts:
    """What the parser sees in a photo's frame.

    photo: uint8 or float (0..1) [H, W, 3 or 4]; parts: the bundle's, whose order the result has;
    sizes: those that the parser looks at it in.
    """
    seen, valid = classes_in(parser, photo, frame, sizes)
    face = sum(seen[name] for name in _FACE) * valid
    return PhotoParts(
        as_parts(seen, parts),
        (covering(seen) * valid).astype(np.float32),
        np.clip(face, 0, 1).astype(np.float32),
        seen["nose"] * valid,
    )


def classes_in(
    parser: FaceParser,
    photo: NDArray[np.generic],
    frame: CropFrame,
    sizes: Sequence[int] = (RESOLUTION,),
) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """Probabilities [S, S] by class in a photo's frame, and what the photo covers of it.

    sizes: those that the parser looks at it in.
    """
    crop, valid = extract(photo, frame, RESOLUTION)
    image = torch.from_numpy(crop).permute(2, 0, 1)[None].to(next(parser.parameters()).device)
    found = parser.probabilities(image, sizes).cpu().numpy()
    return dict(zip(CLASSES, found, strict=True)), valid


def looks_upright(parser: FaceParser, photo: NDArray[np.uint8], frame: CropFrame) -> float:
    """How much a frame shows a face the right way up, 0..1: the parser is sure of what it sees,
    and eyes (or glasses) and nose are as large, and as high up, as they are in such a frame."""
    seen, valid = classes_in(parser, photo, frame)
    inner = slice(RESOLUTION // 5, -(RESOLUTION // 5))
    things = np.stack([seen[name] for name in CLASSES if name != "occluder"])
    mark = float(things[:, inner, inner].max(axis=0).mean())
    rows = (np.arange(RESOLUTION) + 0.5) / RESOLUTION
    for members, area, height in _LANDMARKS:
        mass = (sum(seen[name] for name in members) * valid).mean(axis=1)  # by row
        off = float(mass @ rows) / max(float(mass.sum()), 1e-6) - height
        mark *= min(1.0, float(mass.mean()) / area) * float(np.exp(-0.5 * (off / _SPREAD) ** 2))
    return mark


def as_parts(seen: dict[str, Floats], parts: Sequence[Part]) -> Floats:
    """Probabilities by class, [S, S] each, as those of a bundle's parts, [P, S, S].

    Glasses become what is seen through them: the other classes' share. An eye is as large as it is
    seen: what little there is of one around it would outweigh the skin that lenses hide.
    """
    index = {part.name: part.index for part in parts}
    eyes, others = np.zeros((2, len(parts), *seen["skin"].shape), np.float32)
    for name, candidates in _PARTS.items():
        part = next((index[c] for c in candidates if c in index), 0)
        if name in _EYES:
            eyes[part] += seen[name] / _clearest(seen, name)
        else:
            others[part] += seen[name]
    around = np.clip(1 - eyes.sum(axis=0), 0, 1)
    found = eyes + others * (around / np.maximum(others.sum(axis=0), 1e-6))
    return found / np.maximum(found.sum(axis=0), 1e-6)


def _clearest(seen: dict[str, Floats], eye: str) -> float:
    """The highest probability of an eye behind glasses, which may show all of it faintly."""
    behind = seen["eye glasses"] + seen[eye] > 0.5
    return float(np.clip(seen[eye][behind].max(initial=_FAINTEST), _FAINTEST, 1))


def covering(seen: dict[str, Floats]) -> Floats:
    """What lies before the face, of probabilities by class: [S, S] in 0..1."""
    things = np.maximum(sum(seen[name] for name in _THINGS), _before_the_eyes(seen))
    return np.clip(things, 0, 1)


def better_parts(seen: PhotoParts, rebuilt: Floats) -> Floats:
    """Photo and reconstruction taken together, [P, S, S]: the parser is trusted more, since it
    sees the photo; where it is unsure the reconstruction decides. rebuilt: [P, L, L]."""
    size = seen.parts.shape[1]
    other = np.stack([_resized(part, size) for part in rebuilt])
    return (1 - _REBUILT) * seen.parts + _REBUILT * other


def _before_the_eyes(seen: dict[str, Floats]) -> Floats:
    """The rims of glasses, and lenses behind which no eye is seen: [S, S] in 0..1."""
    eyes = seen["left eye"] + seen["right eye"]
    whole = ((seen["eye glasses"] > 0.5).astype(np.uint8)) | (eyes > 0.5).astype(np.uint8)
    if not (seen["eye glasses"] > 0.5).any():
        return np.zeros_like(eyes)
    size = eyes.shape[0]
    rim = 2 * max(1, round(_RIM * size / 2)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim))
    inner = cv2.erode(cv2.morphologyEx(whole, cv2.MORPH_CLOSE, disc), disc, iterations=2) > 0
    middle = _middle_column(seen["nose"])
    for side, eye in (("left", slice(middle, None)), ("right", slice(0, middle))):
        if (seen[f"{side} eye"] > 0.5).mean() < _DARK:
            inner[:, eye] = False
    return np.where(inner, 0, seen["eye glasses"]).astype(np.float32)


def _middle_column(nose: Floats) -> int:
    """The column that parts the face's halves."""
    weights = nose.sum(axis=0)
    total = weights.sum()
    return round((weights * np.arange(len(weights))).sum() / total) if total else len(weights) // 2


def _resized(values: Floats, size: int) -> Floats:
    shrinks = size < values.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return resize(values, (size, size), how)
