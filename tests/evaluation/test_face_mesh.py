"""Landmarks come back in the crop's own pixels, whatever squares the network looked at."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from backend.errors import BadImage
from backend.evaluation import face_mesh
from backend.evaluation.face_mesh import FaceMesh, FaceShape

SIDE = 256


class Ruler:
    """Stands in for both networks. Points at fixed places of its input are its "landmarks"; it
    notes the colours there, which in `ruled()` say where in the crop that was."""

    presence = 5.0
    seen: np.ndarray
    read: np.ndarray

    def __init__(self, model_content: bytes, num_threads: int) -> None:
        self.is_mesh = model_content == b"mesh"
        self.points = np.random.default_rng(0).uniform(60, 190, (478, 2))
        self.points[[33, 263]] = (80, 100), (170, 130)  # a head that is tilted

    def allocate_tensors(self) -> None: ...

    def get_input_details(self) -> list[dict]:
        return [{"index": 0}]

    def get_output_details(self) -> list[dict]:
        return [{"index": 0}, {"index": 1}] if self.is_mesh else [{"index": 0}]

    def set_tensor(self, index: int, values: np.ndarray) -> None:
        self.values = values[0]

    def invoke(self) -> None:
        if self.is_mesh:
            columns, rows = self.points.astype(int).T
            Ruler.seen = self.values[rows, columns, :2] * 255
        else:
            Ruler.read = self.values

    def get_tensor(self, index: int) -> np.ndarray:
        if not self.is_mesh:
            return np.linspace(0, 1, 52, dtype=np.float32)
        whole = np.floor(self.points) + 0.5  # centres of the pixels that were looked at
        found = np.column_stack([whole, np.zeros(478)]).astype(np.float32)
        return found.ravel() if index == 0 else np.array([self.presence], np.float32)


def ruled(size: int) -> np.ndarray:
    """A crop whose red is the column, green the row, of 200."""
    at = (np.arange(size) + 0.5) * 200 / size
    crop = np.zeros((size, size, 3))
    crop[..., 0], crop[..., 1] = at[None], at[:, None]
    return crop.round().astype(np.uint8)


@pytest.fixture
def mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaceMesh:
    monkeypatch.setattr("ai_edge_litert.interpreter.Interpreter", Ruler)
    with zipfile.ZipFile(tmp_path / "task", "w") as archive:
        archive.writestr("face_landmarks_detector.tflite", b"mesh")
        archive.writestr("face_blendshapes.tflite", b"blendshapes")
    return FaceMesh(tmp_path / "task")


@pytest.mark.parametrize("size", [64, 200, 512])
def test_landmarks_are_in_the_crop_s_pixels(mesh: FaceMesh, size: int) -> None:
    found = mesh.read(ruled(size))
    assert found is not None
    inside = ((found.landmarks > size * 0.02) & (found.landmarks < size * 0.98)).all(axis=1)
    assert inside.sum() > 400
    error = found.landmarks[inside] * 200 / size - Ruler.seen[inside]
    assert np.abs(error).max() < 1.5 * max(1, 200 / size)


def test_the_blendshapes_are_of_146_landmarks(mesh: FaceMesh) -> None:
    found = mesh.read(ruled(64))
    assert found is not None and Ruler.read.shape == (146, 2)
    assert np.allclose(Ruler.read[[0, -1]], found.landmarks[[0, 477]])
    assert found.smile == pytest.approx((44 + 45) / 2 / 51)


def test_no_face_is_no_shape(mesh: FaceMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ruler, "presence", -1.0)
    assert mesh.read(ruled(64)) is None


def test_distances_have_the_eyes_as_their_unit() -> None:
    landmarks = np.zeros((478, 2))
    landmarks[[33, 263, 13, 14]] = (10, 10), (40, 50), (20, 60), (20, 70)
    face = FaceShape(landmarks, np.zeros(52, np.float32))
    assert face.eye_span == 50 and face.span(13, 14) == 10


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme", "nothing else")
    for path in (tmp_path / "text", tmp_path / "other.zip", tmp_path / "missing"):
        with pytest.raises(BadImage, match="not a face landmarker"):
            FaceMesh(path)


def test_the_square_around_landmarks_turns_with_the_head() -> None:
    landmarks = np.random.default_rng(0).uniform(100, 150, (478, 2))
    landmarks[[33, 263]] = (100, 100), (150, 150)
    frame = face_mesh._around(landmarks)
    across = frame.quad[3] - frame.quad[0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(45)
    assert frame.size > 1.4 * 50
