"""One evaluation: which photos, which edits, and the three sections of results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.editing.editor import Editor
from backend.errors import BadImage
from backend.evaluation.baselines import distilled, local_editing, mask_conditioned
from backend.evaluation.distances import FeatureSpace, InceptionSpace, PerceptualSpace
from backend.evaluation.edit_scorer import EditScorer
from backend.evaluation.encoder_table import encoder_table
from backend.evaluation.face_api import FaceApi
from backend.evaluation.face_mesh import FaceMesh
from backend.evaluation.interfacegan import Boundary, find_boundary
from backend.evaluation.methods import PRESET, Method, constant, editgan_methods
from backend.evaluation.photo_set import PhotoSet
from backend.evaluation.preset_table import preset_table
from backend.evaluation.report import Results
from backend.evaluation.sheets import part_columns, preset_columns, save_sheet, scale_columns
from backend.evaluation.smile import Ratings, SmileScorer, calibrate, read_ratings
from backend.evaluation.smile_benchmark import NEUTRAL, render, smile_table
from backend.evaluation.sweeps import sweep
from edit_library import Edit

_FEWEST = 2  # pictures that have a covariance
_SWEPT = 12  # photos of the sweeps: each is edited some forty times


@dataclass(frozen=True)
class OptionalInputs:
    """Optional files that the measuring needs and the product does not: judges and baselines."""

    ratings: Path | None = None  # a CSV of people's ratings
    landmarker: Path | None = None  # face_landmarker.task
    face_api: Path | None = None  # the folder `model` of the package @vladmandic/face-api
    distilled: Path | None = None  # a network of `editgan train distilled`
    maskgan: Path | None = None  # a network of `editgan train maskgan`
    inception: Path | None = None  # Inception V3 weights for FID and KID


class Evaluation:
    """Sections of results for one bundle. What several need is made once, when first needed."""

    def __init__(
        self,
        photo_set: PhotoSet,
        held_out: Sequence[str] | None,
        edits: Sequence[Edit],
        observers: OptionalInputs,
        count: int,
        photo_sheets: Path | None = None,
    ) -> None:
        """held_out: names of photos kept out of training; None: the album holds no others.
        photo_sheets: a folder for contact sheets of the photos, which may not be free to publish.
        """
        self.photo_set, self.edits, self.observers, self.count = photo_set, edits, observers, count
        self._held_out, self._photo_sheets = held_out, photo_sheets
        self.photos = photo_set.shuffled(held_out)
        if len(self.photos) < _FEWEST:
            raise BadImage(
                "Fewer than two of the photos kept out of training are in the folder; give the "
                "folder above those of the training photos, or your own list with --held-out."
            )

    def section(self, name: str) -> Results:
        """The results of "encoder", "smile" or "presets"; {"skipped": why} where it cannot be."""
        made: Results = getattr(self, f"_{name}")()
        return made

    def _encoder(self) -> Results:
        return encoder_table(self.photo_set, self._first())

    def _presets(self) -> Results:
        if not self.edits:
            return {"skipped": "the library has no edit that was learned with this generator"}
        names = self._first()
        return preset_table(self.photo_set, names, self.edits, self._mesh, self._face_api)

    def _smile(self) -> Results:
        edit = self._smile_edit
        if edit is None:
            return {"skipped": f"there is no edit '{PRESET}' for this generator"}
        if self._mesh is None or self._ratings is None:
            return {"skipped": "it needs a smile scorer: give --ratings and --landmarker"}
        neutral = self._neutral()
        names = neutral[: self.count]
        if len(names) < _FEWEST:
            return {"skipped": "hardly any of the photos shows a neutral face"}
        others = [n for n in self.photo_set.with_subject(self.photos) if n not in names]
        edit_scorer, boundary = self._judge(others), self._boundary
        baseline = boundary.vector(like=edit.vector)
        local, agreement = local_editing(self.photo_set, self._ratings, edit, names)
        rows = [
            *editgan_methods(self.photo_set.editor, edit),
            constant("InterFaceGAN", baseline, edit),
            local,
            *self._taught(edit),
        ]
        shown = render(self.photo_set, names, rows)
        if self._photo_sheets:
            save_sheet(self._photo_sheets / "smile-generator.jpg", shown.generated)
            save_sheet(self._photo_sheets / "smile-composite.jpg", shown.composed)
        vectors = {"EditGAN vector": edit.vector, "InterFaceGAN": baseline}
        return {
            "photos": len(names),
            "neutral": len(neutral),
            "compared_with": len(others),
            "edited_parts": list(edit.info.parts),
            "frechet": edit_scorer.space.frechet_name,
            "kernel": edit_scorer.space.kernel_name,
            "identity_network": edit_scorer.identity_network,
            "calibration": asdict(self._scorer[1]),
            "second_calibration": asdict(self._second[1]) if self._second else None,
            "boundary": {"fitted_on": boundary.fitted_on, "accuracy": boundary.accuracy},
            "cluster_agreement": agreement,
            **smile_table(edit_scorer, shown),
            "sweep": sweep(self.photo_set, names[:_SWEPT], vectors, edit, edit_scorer),
        }

    def _taught(self, edit: Edit) -> list[Method]:
        """Rows of the networks that were taught to edit, of those that are at hand."""
        rows: list[Method] = []
        if weights := self.observers.distilled:
            rows.append(distilled(self.photo_set, weights, edit))
        if weights := self.observers.maskgan:
            rows.append(mask_conditioned(self.photo_set, weights, edit))
        return rows

    def sheets(self, folder: Path) -> dict[str, str]:
        """Write contact sheets of generated pictures, seeds 0 upwards; what they show, by file."""
        editor = self.photo_set.editor
        sheets = {"parts.jpg": ("Parts", part_columns(editor))}
        if self.edits:
            sheets["presets.jpg"] = "Presets", preset_columns(editor, self.edits)
        if smile := self._smile_edit:
            columns = scale_columns(editor, smile.info.title, smile.vector)
            sheets["smile-scales.jpg"] = "Smile scales", columns
        for file, (_, columns) in sheets.items():
            save_sheet(folder / file, columns)
        return {file: title for file, (title, _) in sheets.items()}

    # What the sections are made with

    def _first(self) -> list[str]:
        return self.photo_set.with_subject(self.photos, self.count)

    def _neutral(self) -> list[str]:
        """The photos kept out of training whose faces do not smile."""
        names = self.photo_set.with_subject(self.photos)
        scores = self._scorer[0].photos(self.photo_set, names)
        return [name for name, score in zip(names, scores, strict=True) if score < NEUTRAL]

    @property
    def _smile_edit(self) -> Edit | None:
        return next((e for e in self.edits if e.info.name == PRESET), None)

    @cached_property
    def _mesh(self) -> FaceMesh | None:
        """Only faces have one."""
        task = self.observers.landmarker
        return FaceMesh(task) if task and self._bundle.domain == "faces" else None

    @cached_property
    def _ratings(self) -> Ratings | None:
        path = self.observers.ratings
        return read_ratings(path, self.photo_set, self._held_out) if path else None

    @cached_property
    def _scorer(self) -> tuple[SmileScorer, Any]:
        assert self._mesh and self._ratings
        return calibrate(self._mesh, self.photo_set, self._ratings)

    @cached_property
    def _face_api(self) -> FaceApi | None:
        folder = self.observers.face_api
        return FaceApi(folder) if folder and self._bundle.domain == "faces" else None

    @cached_property
    def _second(self) -> tuple[SmileScorer, Any] | None:
        """A second judge of smiles, where its networks are at hand."""
        if self._face_api is None or self._ratings is None:
            return None
        return calibrate(self._face_api, self.photo_set, self._ratings)

    @cached_property
    def _boundary(self) -> Boundary:
        """InterFaceGAN's, from the rated photos that the generator was trained on."""
        ratings = self._ratings
        assert ratings
        return find_boundary(
            self._codes(ratings.fit),
            ratings.smiling(ratings.fit),
            self._codes(ratings.held),
            ratings.smiling(ratings.held),
        )

    def _codes(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Encoder only, as for any photo that is not yet optimised: [N, n_ws, w_dim]."""
        each = self.photo_set.each(names, "encoding rated photos")
        return np.stack([self.photo_set.code(name, "encoder only") for name in each])

    def _judge(self, others: Sequence[str]) -> EditScorer:
        editor: Editor = self.photo_set.editor
        space: FeatureSpace
        if self.observers.inception:
            space = InceptionSpace(self.observers.inception, editor.device)
        else:
            space = PerceptualSpace(editor.networks.perceptual)
        real = [self.photo_set.crop(name) for name in others]
        identity = editor.networks.identity
        second = self._second[0] if self._second else None
        return EditScorer(self._scorer[0], identity, space, real, editor.device, second)

    @property
    def _bundle(self) -> Any:
        return self.photo_set.editor.bundle
