"""The benchmark on the shipped portrait with the built-in bundle; few steps, everything else as it
is."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from backend.bundles import find_bundle
from backend.editing.editor import Editor
from backend.editing.inversion import InversionLevel
from backend.evaluation import baselines, methods, report, smile_benchmark, sweeps
from backend.evaluation import photo_set as albums
from backend.evaluation.distances import PerceptualSpace
from backend.evaluation.edit_scorer import EditScorer
from backend.evaluation.photo_set import PhotoSet
from backend.evaluation.plots import plot_quality, plot_sweep
from backend.evaluation.sheets import save_sheet
from backend.evaluation.store import Store
from edit_library import Edit, Library


class Reddish:
    """A scorer for which red pictures smile."""

    def score(self, crops: list[np.ndarray]) -> np.ndarray:
        return np.array([crop[..., 0].mean() / 255 for crop in crops])


@pytest.fixture
def photo_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PhotoSet:
    """The portrait, small, and its mirror image, embedded in one step."""
    monkeypatch.setattr(albums, "STEPS", {**albums.STEPS, "+100 steps": InversionLevel(1)})
    monkeypatch.setitem(methods.LEVELS, "fast", InversionLevel(1))
    monkeypatch.setattr(methods, "REFINEMENTS", (1,))
    monkeypatch.setattr(methods, "SCRATCH_STEPS", 1)
    monkeypatch.setattr(sweeps, "SCALES", (0.0, 1.0))
    monkeypatch.setattr(sweeps, "REFINED_SCALES", (1.0,))
    monkeypatch.setattr(sweeps, "REFINEMENTS", (1,))
    photo = cv2.resize(cv2.imread("assets/portrait.png"), (200, 200), interpolation=cv2.INTER_AREA)
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos/a.png"), photo)
    cv2.imwrite(str(tmp_path / "photos/b.png"), photo[:, ::-1])
    editor = Editor(find_bundle("faces"))
    return PhotoSet(editor, tmp_path / "photos", Store(tmp_path / "store"), quiet=True)


@pytest.fixture
def smile(tmp_path: Path) -> Edit:
    return Library(tmp_path / "library").get("faces", "smile")


def test_every_method_is_scored_and_drawn(photo_set: PhotoSet, smile: Edit, tmp_path: Path) -> None:
    names = ["photos/a.png", "photos/b.png"]
    baseline = -smile.vector
    rows = [*methods.editgan_methods(photo_set.editor, smile)]
    rows.append(methods.constant("InterFaceGAN", baseline, smile))
    darker = lambda name, photo: photo_set.tensors(name)[0] - 0.5  # noqa: E731
    rows.append(methods.PictureMethod("Darker", darker, smile))
    shown = smile_benchmark.render(photo_set, names, rows)
    expected = [
        "EditGAN vector",
        "EditGAN vector +1",
        "Optimised from scratch, 1 steps",
        "InterFaceGAN",
        "Darker",
    ]
    assert list(shown.generated)[1:] == list(shown.composed)[1:] == expected
    darker = shown.generated["Darker"][0].astype(int)
    assert np.abs(darker - np.maximum(photo_set.crop(names[0]).astype(int) - 64, 0)).max() <= 1
    forehead = np.s_[: photo_set.size // 4]  # far from the mouth: no method's composite changes it
    assert np.array_equal(shown.composed["Darker"][0][forehead], shown.photos[0][forehead])
    for first, _ in (*shown.generated.values(), *shown.composed.values()):
        assert first.shape == (photo_set.size, photo_set.size, 3) and first.dtype == np.uint8

    networks = photo_set.editor.networks
    space = PerceptualSpace(networks.perceptual)
    edit_scorer = EditScorer(Reddish(), networks.identity, space, shown.photos, torch.device("cpu"))
    tables = smile_benchmark.smile_table(edit_scorer, shown)
    photo, *edited = tables["composite"]
    assert photo["identity"] == pytest.approx(1) and photo["frechet"] == pytest.approx(0, abs=1e-4)
    assert all(row["identity"] < 0.9999 for row in edited)
    rebuilt = tables["generator"][0]
    assert rebuilt["identity_to_reconstruction"] == pytest.approx(1)
    assert rebuilt["identity"] < 0.99

    vectors = {"EditGAN vector": smile.vector, "InterFaceGAN": baseline}
    curves = sweeps.sweep(photo_set, names, vectors, smile, edit_scorer)
    starts = [points[0] for points in curves["curves"].values() if len(points) > 1]
    (refined,) = curves["curves"]["EditGAN vector +1"]
    assert refined["scale"] == 1 and refined["identity"] < 0.99
    assert starts[0] == starts[1]  # scale 0 of anything is the reconstruction
    assert starts[0]["identity"] == pytest.approx(rebuilt["identity"], abs=1e-3)

    _draw(tmp_path, {**tables, "sweep": curves}, shown)


def test_maskgan_gets_the_photo_s_own_map_and_the_preset_s_change_of_it(
    photo_set: PhotoSet, smile: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    class Painter(torch.nn.Module):
        def forward(self, photo: torch.Tensor, *maps: torch.Tensor) -> torch.Tensor:
            given.append(maps)
            return photo - 0.5

    monkeypatch.setattr(baselines, "load_mask_network", lambda path, parts: Painter())
    row = baselines.mask_conditioned(photo_set, Path("none"), smile)
    name = "photos/a.png"
    generated, _ = row.show(photo_set, name, photo_set.open(name))
    wanted_crop = (photo_set.crop(name).astype(int) - 64).clip(0)
    assert np.abs(generated.astype(int) - wanted_crop).max() <= 1
    ((own, wanted),) = given
    assert own.shape == (1, len(photo_set.editor.bundle.parts), photo_set.size, photo_set.size)
    torch.testing.assert_close(wanted.sum(1), torch.ones_like(wanted[:, 0]))
    moved = (own - wanted).abs().sum(1)[0] > 0.5
    assert moved.sum() > 10 and not moved[: photo_set.size // 2].any()  # the mouth, nothing above


def _draw(folder: Path, tables: dict, shown: smile_benchmark.Pictures) -> None:
    section = {"photos": 2, "identity_network": "MobileFaceNet", **tables}
    plot_sweep(section, folder / "plot.png")
    plot_quality(section, folder / "quality.png")
    save_sheet(folder / "sheet.jpg", shown.composed)
    sheet = cv2.imread(str(folder / "sheet.jpg"))
    for name in ("plot.png", "quality.png"):
        plot = cv2.imread(str(folder / name))
        assert plot.shape[1] > 500 and plot.std() > 5
    assert sheet.shape[1] == 6 * 128 and sheet.shape[0] > 2 * 128


def test_slow_edits_are_kept(
    photo_set: PhotoSet, smile: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = methods.editgan_methods(photo_set.editor, smile)
    first = smile_benchmark.render(photo_set, ["photos/a.png"], rows)
    # neither refinement nor optimisation may run again
    monkeypatch.setattr(Editor, "optimise", None)
    for module in ("applying", "repainting"):
        monkeypatch.setattr(f"backend.editing.{module}.optimise_delta", None)
    again = smile_benchmark.render(photo_set, ["photos/a.png"], rows)
    for name, crops in first.generated.items():
        assert np.array_equal(crops[0], again.generated[name][0])


def test_a_table_leaves_out_what_was_not_measured() -> None:
    columns = (("name", "name", ""), ("share", "share", ".0%"), ("never", "never", ".2f"))
    rows = [{"name": "a", "share": 0.256, "never": None}, {"name": "b", "share": None}]
    lines = report.table(columns, rows)
    assert lines == ["| name | share |", "|---|---|", "| a | 26% |", "| b |  |"]
