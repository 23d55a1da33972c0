"""Drawing label maps: outlines, drafts of faces, sheets."""

import json
from argparse import ArgumentParser
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from backend.bundles import find_bundle
from backend.bundles.bundle import Part
from backend.commands.train.labels import paint as paint_command
from backend.commands.train.labels import sheet as sheet_command
from backend.editing.editor import Editor
from backend.errors import BadImage
from backend.evaluation.face_mesh import FaceMesh, FaceShape
from backend.photos.align import CropFrame
from backend.photos.folder import read_rgb
from backend.training.labelled import UNLABELLED, LabelSet
from backend.training.labelling.draft import (
    coarse_masks,
    draft_face,
    landmark_outlines,
    snapped,
)
from backend.training.labelling.files import write_classes, write_label_map
from backend.training.labelling.landmarks import part_outlines
from backend.training.labelling.outlines import Outline, paint, read_outlines
from backend.training.labelling.sheet import overlay

PARTS = ["background", "head", "left eye"]
CARD = Path("backend/bundles/builtin/cats.card.json")


def square(x: float, y: float, side: float) -> np.ndarray:
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]])


def run(module: ModuleType, *words: object) -> dict[str, object]:
    parser = ArgumentParser()
    module.add_arguments(parser)
    parser.set_defaults(quiet=True)
    return module.run(parser.parse_args([str(word) for word in words]))


def test_outlines_are_painted_in_order_and_only_where_they_may() -> None:
    empty = np.zeros((20, 20), np.uint8)
    items = [
        Outline("head", square(2, 2, 10)),
        Outline("left eye", square(0, 0, 6), over=("head",)),
        Outline("unlabelled", square(10, 10, 4)),
    ]
    labels = paint(empty, items, PARTS)
    assert not empty.any()
    assert labels[0, 0] == 0 and labels[4, 4] == 2 and labels[8, 8] == 1
    assert labels[11, 11] == UNLABELLED and abs((labels == 1).sum() - 84) < 20


def test_a_polygon_covers_its_own_pixels() -> None:
    labels = paint(np.zeros((20, 20), np.uint8), [Outline("head", square(5, 5, 4))], PARTS)
    rows, columns = np.nonzero(labels)
    # OpenCV fills the pixels that the outline runs through as well: up to one on each side.
    assert 4 <= rows.min() <= 5 and 8 <= rows.max() <= 9
    assert abs(rows.mean() - 6.5) < 0.6 and abs(columns.mean() - 6.5) < 0.6


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(BadImage, match="no part 'tail'"):
        paint(np.zeros((9, 9), np.uint8), [Outline("tail", square(1, 1, 3))], PARTS)


def test_outlines_are_read_as_polygons_and_ellipses(tmp_path: Path) -> None:
    path = tmp_path / "outlines.json"
    path.write_text(
        json.dumps(
            {"1": [["head over background, left eye", "1,2 3,4 5,6.5"],
                   ["left eye", "ellipse 10,20 6,3 90"]]}
        )
    )  # fmt: skip
    head, eye = read_outlines(path)["1"]
    assert head.part == "head" and head.over == ("background", "left eye")
    assert head.points.tolist() == [[1, 2], [3, 4], [5, 6.5]]
    assert eye.over == ()
    low, high = eye.points.min(axis=0), eye.points.max(axis=0)
    np.testing.assert_allclose(high - low, [6, 12], atol=0.1)
    np.testing.assert_allclose((high + low) / 2, [10, 20], atol=0.1)


@pytest.mark.parametrize("text", ["[]", "{", '{"1": [["head", "1;2"]]}', '{"1": [["head"]]}'])
def test_unreadable_outlines_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "outlines.json"
    path.write_text(text)
    with pytest.raises(BadImage, match="cannot be read as outlines"):
        read_outlines(path)


def test_painting_again_goes_on_from_the_map_that_is_there(tmp_path: Path) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    photos.mkdir()
    cv2.imwrite(str(photos / "a.png"), np.full((50, 60, 3), 128, np.uint8))
    outlines = tmp_path / "outlines.json"
    words = ("--labels", labels, "--images", photos, "--card", CARD, "--outlines", outlines)
    outlines.write_text(json.dumps({"a": [["head", "10,10 50,10 50,40 10,40"]]}))
    assert run(paint_command, *words).painted == 1
    outlines.write_text(json.dumps({"a": [["nose over head", "ellipse 30,25 4,3 0"]]}))
    run(paint_command, *words)
    found = LabelSet.open(labels, photos)
    drawn = found.map("a")
    assert drawn.shape == (50, 60)
    assert found.classes[drawn[25, 30]] == "nose" and found.classes[drawn[12, 12]] == "head"
    sheet = tmp_path / "sheet.png"
    run(sheet_command, *words[:6], "-o", sheet, "--size", 120, "--columns", 1)
    assert cv2.imread(str(sheet)).shape == (120, 120, 3)


def test_label_maps_keep_their_numbers_and_show_their_colors(tmp_path: Path) -> None:
    parts = [Part("background", 0, (1, 2, 3)), Part("head", 1, (200, 10, 30))]
    labels = np.array([[0, 1, UNLABELLED]], np.uint8)
    write_classes(tmp_path, parts)
    path = write_label_map(tmp_path, "folder/a", labels, parts)
    assert LabelSet.open(tmp_path, tmp_path).map("folder/a").tolist() == labels.tolist()
    shown = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    assert shown.tolist() == [[[1, 2, 3], [200, 10, 30], [255, 255, 255]]]


def test_an_overlay_tints_parts_and_draws_a_grid() -> None:
    parts = [Part("background", 0, (0, 0, 0)), Part("head", 1, (255, 0, 0))]
    labels = np.zeros((50, 50), np.uint8)
    labels[:, 25:] = 1
    picture = overlay(np.full((50, 50, 3), 100, np.uint8), labels, parts, 4.0)
    assert picture.shape == (200, 200, 3)
    assert int(picture[150, 150, 0]) - int(picture[150, 50, 0]) > 30
    assert picture[150, 160].mean() > picture[150, 150].mean()  # a line at x = 40


def ring(centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1) * radii + centre


def test_a_mask_is_snapped_to_the_edges_of_the_photo() -> None:
    photo = np.full((120, 120, 3), (40, 60, 200), np.uint8)
    truth = paint(
        np.zeros((120, 120), np.uint8), [Outline("head", ring((60, 60), (35, 35)))], PARTS
    )
    photo[truth == 1] = (220, 180, 60)
    rough = paint(
        np.zeros((120, 120), np.uint8), [Outline("head", ring((64, 60), (32, 36)))], PARTS
    )
    wrong = (rough != truth).sum()
    assert (snapped(photo, rough == 1, 10) != (truth == 1)).sum() < wrong / 4


def test_a_draft_puts_landmark_parts_over_hair_skin_and_neck() -> None:
    parts = ["background", "skin", "left brow", "right brow", "left eye", "right eye", "nose"]
    parts += ["upper lip", "lower lip", "mouth interior", "hair", "neck"]
    photo = np.full((200, 200, 3), 250, np.uint8)
    y, x = np.mgrid[:200, :200]
    head = (x - 100) ** 2 + (y - 90) ** 2 < 60**2
    hair, neck = head & (y < 50), (abs(x - 100) < 25) & (y > 130)
    photo[head | neck], photo[hair] = (220, 160, 130), (40, 20, 10)
    outlines = {
        "face": ring((100, 95), (50, 55)),
        "nose": ring((100, 100), (8, 14)),
        "left brow": ring((125, 65), (12, 3)),
        "right brow": ring((75, 65), (12, 3)),
        "left eye": ring((125, 80), (9, 5)),
        "right eye": ring((75, 80), (9, 5)),
        "upper lip": ring((100, 124), (15, 4)),
        "lower lip": ring((100, 130), (15, 5)),
        "mouth interior": ring((100, 127), (10, 2)),
    }
    labels = draft_face(photo, {"hair": hair, "skin": (head | neck) & ~hair}, outlines, parts)
    at = {(42, 100): "hair", (110, 130): "skin", (170, 100): "neck", (100, 10): "background"}
    at |= {(80, 125): "left eye", (80, 75): "right eye", (100, 100): "nose"}
    at |= {(127, 100): "mouth interior", (65, 125): "left brow", (133, 100): "lower lip"}
    assert {place: parts[labels[place]] for place in at} == at


def test_a_bundle_gives_hair_and_the_subject_without_it() -> None:
    photo = read_rgb(Path("assets/portrait.png"))
    editor = Editor(find_bundle("faces"))
    frame = editor.find_subjects(photo)[0].frame
    masks = coarse_masks(editor, photo, frame, ["background", "skin", "hair"])
    assert masks.keys() == {"hair", "skin"} and not (masks["hair"] & masks["skin"]).any()
    x, y = (frame.to_pixels(1) @ (0.5, 0.55, 1)).astype(int)  # between eyes and nose
    assert masks["skin"][y, x] and not masks["skin"][:5].any()
    assert masks["hair"].any() and np.argwhere(masks["hair"])[:, 0].min() < y


def test_landmarks_of_a_crop_become_outlines_in_the_photo() -> None:
    class Mesh(FaceMesh):
        def __init__(self) -> None:
            """Needs no network: it says that all landmarks lie in the crop's middle."""

        def read(self, crop: np.ndarray) -> FaceShape:
            assert crop.dtype == np.uint8
            return FaceShape(np.full((478, 2), crop.shape[0] / 2), np.zeros(52, np.float32))

    frame = CropFrame.from_axes(np.array([40.0, 30.0]), np.array([10.0, 5.0]))
    outlines = landmark_outlines(Mesh(), np.zeros((80, 80, 3), np.uint8), frame)
    np.testing.assert_allclose(outlines["nose"], np.full((18, 2), (40, 30)), atol=1e-6)


def test_landmark_outlines_name_points_of_the_mesh_once() -> None:
    landmarks = np.random.default_rng(0).random((478, 2))
    outlines = part_outlines(landmarks)
    assert set(outlines) == {
        "left brow", "right brow", "left eye", "right eye", "nose", "upper lip", "lower lip",
        "mouth interior", "face",
    }  # fmt: skip
    for points in outlines.values():
        assert len(np.unique(points, axis=0)) == len(points) >= 10
