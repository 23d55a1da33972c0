"""The benchmark on the shipped portrait with the built-in bundle; few steps, everything else as it
is."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from backend.bundles import find_bundle
from backend.editing.editor import Editor
from backend.editing.inversion import Level
from backend.evaluation import album as albums
from backend.evaluation import report, smile_benchmark
from backend.evaluation.album import Album
from backend.evaluation.distances import PerceptualSpace
from backend.evaluation.judge import Judge
from backend.evaluation.plots import plot_sweep
from backend.evaluation.sheets import save_sheet
from backend.evaluation.store import Store
from edit_library import Edit, Library


class Reddish:
    """A scorer for which red pictures smile."""

    def score(self, crops: list[np.ndarray]) -> np.ndarray:
        return np.array([crop[..., 0].mean() / 255 for crop in crops])


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Album:
    """The portrait, small, and its mirror image, embedded in one step."""
    monkeypatch.setattr(albums, "STEPS", {**albums.STEPS, "+100 steps": Level(1)})
    monkeypatch.setattr(smile_benchmark, "REFINEMENTS", (1,))
    monkeypatch.setattr(smile_benchmark, "SCRATCH_STEPS", 1)
    monkeypatch.setattr(smile_benchmark, "SCALES", (0.0, 1.0))
    photo = cv2.resize(cv2.imread("assets/portrait.png"), (200, 200), interpolation=cv2.INTER_AREA)
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos/a.png"), photo)
    cv2.imwrite(str(tmp_path / "photos/b.png"), photo[:, ::-1])
    editor = Editor(find_bundle("faces"))
    return Album(editor, tmp_path / "photos", Store(tmp_path / "store"), quiet=True)


@pytest.fixture
def smile(tmp_path: Path) -> Edit:
    return Library(tmp_path / "library").get("faces", "smile")


def test_every_method_is_scored_and_drawn(album: Album, smile: Edit, tmp_path: Path) -> None:
    names = ["photos/a.png", "photos/b.png"]
    baseline = -smile.vector
    shown = smile_benchmark.render(album, names, smile, baseline)
    methods = [
        "EditGAN vector",
        "EditGAN vector +1",
        "Optimised from scratch, 1 steps",
        "InterFaceGAN",
    ]
    assert list(shown.generated)[1:] == list(shown.composed)[1:] == methods
    for first, _ in (*shown.generated.values(), *shown.composed.values()):
        assert first.shape == (album.size, album.size, 3) and first.dtype == np.uint8

    networks = album.editor.networks
    space = PerceptualSpace(networks.perceptual)
    judge = Judge(Reddish(), networks.identity, space, shown.photos, torch.device("cpu"))
    tables = smile_benchmark.smile_table(judge, shown)
    photo, *edited = tables["composite"]
    assert photo["identity"] == pytest.approx(1) and photo["frechet"] == pytest.approx(0, abs=1e-4)
    assert all(row["identity"] < 0.9999 for row in edited)
    rebuilt = tables["generator"][0]
    assert rebuilt["identity_to_reconstruction"] == pytest.approx(1)
    assert rebuilt["identity"] < 0.99

    vectors = {"EditGAN vector": smile.vector, "InterFaceGAN": baseline}
    curves = smile_benchmark.sweep(album, names, vectors, judge)
    starts = [points[0] for points in curves["curves"].values()]
    assert starts[0] == starts[1]  # scale 0 of anything is the reconstruction
    assert starts[0]["identity"] == pytest.approx(rebuilt["identity"], abs=1e-3)

    _draw(tmp_path, {**tables, "sweep": curves}, shown)


def _draw(folder: Path, tables: dict, shown: smile_benchmark.Pictures) -> None:
    section = {"photos": 2, "identity_network": "MobileFaceNet", **tables}
    plot_sweep(section, folder / "plot.png")
    save_sheet(folder / "sheet.jpg", shown.composed)
    plot, sheet = cv2.imread(str(folder / "plot.png")), cv2.imread(str(folder / "sheet.jpg"))
    assert plot.shape[1] > 500 and plot.std() > 5
    assert sheet.shape[1] == 5 * 128 and sheet.shape[0] > 2 * 128


def test_slow_edits_are_kept(album: Album, smile: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
    first = smile_benchmark.render(album, ["photos/a.png"], smile, None)
    monkeypatch.setattr(Editor, "edit", None)  # neither refinement nor optimisation may run again
    for module in ("applying", "repainting"):
        monkeypatch.setattr(f"backend.editing.{module}.optimise", None)
    again = smile_benchmark.render(album, ["photos/a.png"], smile, None)
    for name, crops in first.generated.items():
        assert np.array_equal(crops[0], again.generated[name][0])


def test_a_table_leaves_out_what_was_not_measured() -> None:
    columns = (("name", "name", ""), ("share", "share", ".0%"), ("never", "never", ".2f"))
    rows = [{"name": "a", "share": 0.256, "never": None}, {"name": "b", "share": None}]
    lines = report.table(columns, rows)
    assert lines == ["| name | share |", "|---|---|", "| a | 26% |", "| b |  |"]
