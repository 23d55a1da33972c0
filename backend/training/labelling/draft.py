"""First label maps of faces, to be corrected by hand.

A bundle's parts, hair and outline snapped to the photo's edges; over them the outlines that face
landmarks give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.editing.editor import Editor
from backend.errors import BadImage
from backend.evaluation.face_mesh import FaceMesh
from backend.photos.align import CropFrame, extract
from backend.photos.label_file import label_map
from backend.photos.pixels import to_bytes
from backend.training.labelling.landmarks import Points, part_outlines
from backend.training.labelling.outlines import Outline, paint

Labels = NDArray[np.uint8]
Flags = NDArray[np.bool_]

_CROP = 512
_BROWS_AND_EYES = ("left brow", "right brow", "left eye", "right eye")
_OVER_SKIN = ("nose", *_BROWS_AND_EYES, "upper lip", "lower lip", "mouth interior")


def snapped(photo: NDArray[np.uint8], mask: Flags, band: int) -> Flags:
    """A mask bool [H, W] whose outline is moved to the photo's edges, at most `band` pixels, by
    GrabCut (Rother et al. 2004)."""
    if mask.all() or not mask.any():
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    flags = np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    border, inside = cv2.BORDER_REPLICATE, mask.astype(np.uint8)
    flags[cv2.erode(inside, kernel, borderType=border) == 1] = cv2.GC_FGD
    flags[cv2.dilate(inside, kernel, borderType=border) == 0] = cv2.GC_BGD
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(photo, flags, (0, 0, 0, 0), *models, 3, cv2.GC_INIT_WITH_MASK)
    found = np.isin(flags, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return cv2.medianBlur(found, 5).astype(bool)


def draft_face(
    photo: NDArray[np.uint8],
    coarse: Mapping[str, Flags],
    outlines: Mapping[str, Points],
    parts: Sequence[str],
) -> Labels:
    """Label map uint8 [H, W] of a photo uint8 [H, W, 3].

    coarse: masks bool [H, W] of "hair" and "skin", the latter with everything that is on it, and of
    any other parts, taken as they are; outlines: as `part_outlines` gives them; parts: names by
    label value, background first.
    """
    height, width = photo.shape[:2]
    face = np.zeros((height, width), np.uint8)
    cv2.fillPoly(face, [np.round(outlines["face"]).astype(np.int32)], 1)
    chin = outlines["lower lip"][:, 1].max()
    below = np.arange(height)[:, None] > chin
    band = width // 30
    hair = snapped(photo, coarse["hair"] & ~_inner(outlines, (height, width)), band)
    subject = snapped(photo, coarse["hair"] | coarse["skin"] | (face == 1), band)
    labels = np.zeros((height, width), np.uint8)
    labels[subject] = parts.index("skin")
    labels[subject & (face == 0) & below] = parts.index("neck")
    labels[hair & subject & ((face == 0) | ~below)] = parts.index("hair")
    for name in coarse.keys() - {"hair", "skin"}:
        labels[coarse[name]] = parts.index(name)
    return paint(labels, (Outline(name, outlines[name]) for name in _OVER_SKIN), parts)


def _inner(outlines: Mapping[str, Points], shape: tuple[int, int]) -> Flags:
    """Where no hair is: the convex hull of brows, eyes, nose and mouth."""
    points = np.concatenate([outlines[name] for name in _OVER_SKIN]).astype(np.float32)
    inner = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(inner, np.round(cv2.convexHull(points)).astype(np.int32), 1)
    return inner.astype(bool)


def coarse_masks(
    editor: Editor, photo: NDArray[np.uint8], frame: CropFrame, parts: Sequence[str]
) -> dict[str, Flags]:
    """What a bundle finds in a photo, as `draft_face` wants it."""
    opened = editor.open(photo, frame, level="fast")
    found = label_map(opened.parts, photo.shape[1], photo.shape[0])
    masks = {part.name: found == part.index for part in editor.bundle.parts}
    hair = np.any([mask for name, mask in masks.items() if name.startswith("hair")], axis=0)
    taken = {
        name: mask
        for name, mask in masks.items()
        if name in parts and name not in (*_OVER_SKIN, "background", "skin", "hair")
    }
    subject = np.any([mask for name, mask in masks.items() if name != "background"], axis=0)
    skin = subject & ~hair & ~np.any([*taken.values(), np.zeros_like(hair)], axis=0)
    return taken | {"hair": hair, "skin": skin}


def landmark_outlines(
    mesh: FaceMesh, photo: NDArray[np.uint8], frame: CropFrame
) -> dict[str, Points]:
    """Outlines of a face's parts in photo pixels; raises BadImage when no landmarks are found."""
    crop, _ = extract(photo, frame, _CROP)
    shape = mesh.read(to_bytes(crop))
    if shape is None:
        raise BadImage("The landmark network sees no face where the detector found one.")
    to_photo = frame.to_pixels(_CROP)
    return part_outlines(shape.landmarks @ to_photo[:, :2].T + to_photo[:, 2])
