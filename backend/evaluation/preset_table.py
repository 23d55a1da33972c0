"""Every preset on photos it was not learned from: where it changes the picture, and whether it does
what its name says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.editing.editor import Editor, OpenPhoto, ScaledEdit
from backend.evaluation.edit_scorer import alike
from backend.evaluation.face_api import FaceApi
from backend.evaluation.face_mesh import FaceMesh
from backend.evaluation.measures import FACE_MEASURES, PART_MEASURES
from backend.evaluation.photo_set import PhotoSet, composite_crop, rebuilt_crop
from backend.evaluation.report import Results
from backend.photos.composite import ResultLayer
from edit_library import Edit

_DRIFTS = ("identity", "older", "aged")
_FACE_SIDE = 256  # what the landmark network sees


def preset_table(
    photo_set: PhotoSet,
    names: Sequence[str],
    edits: Sequence[Edit],
    mesh: FaceMesh | None,
    face_api: FaceApi | None = None,
) -> Results:
    """For each edit, at its default scale: means over the photos `names`.

    inside, outside: mean change of the generator's picture within the region of interest and beyond
    it, in levels of 0..255; leak: the share of all squared change that lies beyond. worked_parts:
    the share of photos on which the labels changed as declared; worked_face: the same by the
    landmarks of the composite. identity: cosine similarity of composite and photo; older: years by
    which the composite looks older, aged: the same regardless of sign. None where nothing is
    declared or nothing could be measured.
    """
    observer = _Observer(photo_set, names, mesh) if mesh else None
    found: dict[str, list[Results]] = {edit.info.name: [] for edit in edits}
    for name in photo_set.each(names, "presets"):
        photo = photo_set.open(name)
        for edit in edits:
            tried = _tried(photo_set, name, photo, edit, observer, face_api)
            found[edit.info.name].append(tried)
    rows = [_row(photo_set.editor, edit, found[edit.info.name], observer) for edit in edits]
    network = photo_set.editor.networks.identity
    return {
        "photos": len(names),
        "identity_network": network.name if network else None,
        "age_network": face_api.age_name if face_api else None,
        "rows": rows,
    }


class _Observer:
    """Face landmarks, and what is asked of them: measures fitted to how much they see of known
    changes of the same photos."""

    def __init__(self, photo_set: PhotoSet, names: Sequence[str], mesh: FaceMesh) -> None:
        crops = {
            name: photo_set.crop(name, _FACE_SIDE)
            for name in photo_set.each(names, "known changes")
        }
        self._read = mesh.read
        self._faces = {name: mesh.read(crop) for name, crop in crops.items()}
        seen = [(crops[name], face) for name, face in self._faces.items() if face]
        self.measures = {k: m.calibrated(seen, mesh.read) for k, m in FACE_MEASURES.items()}

    def worked(self, preset: str, name: str, photo: OpenPhoto, layer: ResultLayer) -> bool | None:
        """None where nothing is declared, or no face is seen in the photo of that name."""
        measure = self.measures.get(preset)
        if measure is None:
            return None
        edited = self._read(composite_crop(photo, layer, _FACE_SIDE))
        return measure.worked(self._faces[name], edited)


def _tried(
    photo_set: PhotoSet,
    name: str,
    photo: OpenPhoto,
    edit: Edit,
    observer: _Observer | None,
    face_api: FaceApi | None,
) -> Results:
    """One edit on one photo."""
    editor = photo_set.editor
    scaled = ScaledEdit(edit.vector, edit.info.parts, edit.info.default)
    result = editor.apply(photo, [scaled])
    values: Results = _locality(editor, photo, edit.info.parts, result.crop, result.labels)
    if by_parts := PART_MEASURES.get(edit.info.name):
        values["worked_parts"] = by_parts.worked(editor.bundle, photo.labels, result.labels)
    if observer:
        values["worked_face"] = observer.worked(edit.info.name, name, photo, result.layer)
    before, after = (photo_set.crop(name), composite_crop(photo, result.layer, photo_set.size))
    if network := editor.networks.identity:
        values["identity"] = alike(network, before, after, editor.device)
    if face_api:
        values["older"] = face_api.age(after) - face_api.age(before)
        values["aged"] = abs(values["older"])
    return values


def _locality(
    editor: Editor,
    photo: OpenPhoto,
    parts: Sequence[str],
    crop: NDArray[np.uint8],
    labels: NDArray[np.uint8],
) -> dict[str, float]:
    """How much the vector alone changes inside and outside its region (eq. 1)."""
    region = editor.engine.region(photo, labels, parts)
    step = crop.shape[0] // region.shape[0]
    inside = region.repeat(step, axis=0).repeat(step, axis=1)
    change = crop.astype(np.float64) - rebuilt_crop(photo)
    absolute, squared = np.abs(change).mean(axis=2), np.square(change).sum(axis=2)
    return {
        "region": float(inside.mean()),
        "inside": _mean(absolute[inside]),
        "outside": _mean(absolute[~inside]),
        "leak": float(squared[~inside].sum() / max(squared.sum(), 1e-9)),
    }


def _row(
    editor: Editor, edit: Edit, found: Sequence[Results], observer: _Observer | None
) -> Results:
    row: Results = {"preset": edit.info.name, "title": edit.info.title}
    for key in ("region", "inside", "outside", "leak", "worked_parts", "worked_face", *_DRIFTS):
        known = [one[key] for one in found if one.get(key) is not None]
        row[key] = _mean(np.array(known, np.float64)) if known else None
    by_parts = PART_MEASURES.get(edit.info.name)
    known_group = by_parts and by_parts.group(editor.bundle)
    row["measure_parts"] = by_parts.describe(editor.bundle) if by_parts and known_group else None
    row["measure_face"] = None
    if observer and row["worked_face"] is not None:
        row["measure_face"] = observer.measures[edit.info.name].describe()
    return row


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else 0.0
