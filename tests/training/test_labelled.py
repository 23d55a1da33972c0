"""Label sets: reading, aligning, mirroring; and the sets that are in the repository."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from backend.bundles.card import Card, read_card
from backend.errors import BadBundle, BadImage, NoSubject
from backend.photos.align import CropFrame
from backend.photos.detect import Subject
from backend.training import labelled
from backend.training.labelled import (
    UNLABELLED,
    LabelledCrop,
    LabelSet,
    as_parts,
    label_crop,
    read_labelled,
)

BUILTIN = Path("backend/bundles/builtin")
SETS = sorted(p.parent for p in Path("backend/training/labels").glob("*/classes.json"))
PARTS = ["background", "skin", "left eye", "right eye", "left over"]


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """One picture, 40 x 40, of a domain whose crop is the whole picture."""
    labels = np.zeros((40, 40), np.uint8)
    labels[10:20, 5:15] = 1
    labels[10:20, 25:35] = 2
    labels[30:] = UNLABELLED
    (tmp_path / "cats").mkdir()
    cv2.imwrite(str(tmp_path / "cats" / "1_parts.png"), labels)
    cv2.imwrite(str(tmp_path / "cats" / "1.png"), np.full((40, 40, 3), 90, np.uint8))
    (tmp_path / "classes.json").write_text('["background", "right_eye", "left eye"]')
    return tmp_path


def test_a_mirrored_picture_swaps_left_and_right_parts() -> None:
    labels = np.array([[0, 2], [3, 4]], np.uint8)
    flags = np.array([[True, False], [True, True]])
    image = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    crop = LabelledCrop("1", image, flags, labels, flags)
    mirror = crop.mirrored(PARTS)
    assert mirror.labels.tolist() == [[3, 0], [4, 2]]
    assert mirror.labelled.tolist() == mirror.valid.tolist() == [[False, True], [True, True]]
    assert (mirror.image == image[:, ::-1]).all()
    assert (mirror.mirrored(PARTS).labels == labels).all()


def test_a_set_is_read_by_part_name(squares: Path) -> None:
    parts = ["background", "left eye", "right eye"]
    (crop,) = read_labelled(LabelSet.open(squares, squares), parts, "cats", 20, 20, [])
    assert crop.name == "cats/1"
    assert crop.labels[7, 5] == 2 and crop.labels[7, 15] == 1 and crop.labels[2, 2] == 0
    assert crop.labelled[:14].all() and not crop.labelled[16:].any()


def test_a_wide_picture_is_read_whole_and_grey_beyond_it(squares: Path) -> None:
    """80 x 40 between bars of 4:3: five of the crop's 40 rows beyond each edge are grey."""
    cv2.imwrite(str(squares / "cats" / "1.png"), np.full((40, 80, 3), 90, np.uint8))
    labels = np.zeros((40, 80), np.uint8)
    labels[:, 60:] = 2
    cv2.imwrite(str(squares / "cats" / "1_parts.png"), labels)
    label_set, parts = LabelSet.open(squares, squares), ["background", "left eye"]
    (crop,) = read_labelled(label_set, parts, "cats", 40, 40, [], aspect=4 / 3, whole=True)
    assert crop.valid[10:30].all() and not crop.valid[:10].any() and not crop.valid[30:].any()
    rows = crop.image[:, 20, 0] * 127.5 + 127.5
    assert rows.round().tolist() == [0] * 5 + [128] * 5 + [90] * 20 + [128] * 5 + [0] * 5
    assert (crop.labelled == crop.valid).all() and (crop.labels[10:30, 30:] == 1).all()
    (cut,) = read_labelled(label_set, parts, "cats", 40, 40, [], aspect=4 / 3)
    assert cut.valid[5:35].all()  # without it, both ends are cut off


def test_a_class_that_is_no_part_is_not_labelled(squares: Path) -> None:
    (crop,) = read_labelled(
        LabelSet.open(squares, squares), ["background", "left eye"], "cats", 20, 20, []
    )
    assert not crop.labelled[7, 5] and crop.labelled[7, 15]
    labels = np.array([[0, 1, UNLABELLED]], np.uint8)
    assert as_parts(labels, ["a", "b"], ["b"]).tolist() == [[UNLABELLED, 0, UNLABELLED]]


def test_names_of_classes_may_lie_beside_the_folder(squares: Path) -> None:
    """As in archives of a folder of maps, a folder of photos and their classes."""
    assert LabelSet.open(squares / "cats", squares / "cats").names() == ["1"]
    (squares / "cats" / "classes.json").write_text('["background"]')
    assert LabelSet.open(squares / "cats", squares / "cats").classes == ("background",)


def test_labels_are_cut_out_by_majority() -> None:
    labels = np.zeros((8, 8), np.uint8)
    labels[:, :3] = 4
    frame = CropFrame(np.array([[0, 0], [0, 8], [8, 8], [8, 0]]))
    cut, labelled = label_crop(labels, frame, 4, 5)
    assert cut.tolist() == [[4, 4, 0, 0]] * 4 or cut.tolist() == [[4, 0, 0, 0]] * 4
    assert labelled.all()


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda f: (f / "classes.json").unlink(), "not a label set"),
        (lambda f: (f / "classes.json").write_text("{"), "not a label set"),
        (lambda f: (f / "classes.json").write_text('["background", "left eye"]'), "no class for"),
        (lambda f: (f / "classes.json").write_text('["left eye", "right eye"]'), "no class for"),
        (lambda f: (f / "cats" / "1.png").unlink(), "have no photo"),
        (lambda f: (f / "cats" / "1_parts.png").unlink(), "no label maps"),
        (lambda f: (f / "cats" / "1_parts.png").write_bytes(b"no"), "cannot be read"),
        (lambda f: cv2.imwrite(str(f / "cats" / "1.png"), np.zeros((9, 40, 3))), "size"),
        (lambda f: Image.new("RGB", (40, 40)).save(f / "cats" / "1_parts.png"), "not an indexed"),
        (lambda f: Image.new("L", (40, 40), 7).save(f / "cats" / "1_parts.png"), "not an indexed"),
    ],
)
def test_what_is_wrong_with_a_set_is_said(squares: Path, spoil, complaint: str) -> None:
    spoil(squares)
    with pytest.raises(BadImage, match=complaint):
        read_labelled(
            LabelSet.open(squares, squares),
            ["background", "right eye", "left eye"],
            "cats",
            20,
            20,
            [],
        )


def test_photos_that_cannot_be_read_are_left_out_and_named(squares: Path) -> None:
    good = (squares / "cats" / "1.png").read_bytes()
    labels = (squares / "cats" / "1_parts.png").read_bytes()
    for name, data in (("2", good[: len(good) // 2]), ("3", b"no picture")):
        (squares / "cats" / f"{name}.png").write_bytes(data)
        (squares / "cats" / f"{name}_parts.png").write_bytes(labels)
    cv2.imwrite(str(squares / "cats" / "4.png"), np.zeros((6, 6, 3)))
    cv2.imwrite(str(squares / "cats" / "4_parts.png"), np.zeros((6, 6), np.uint8))
    skipped: list[str] = []
    label_set = LabelSet.open(squares, squares)
    crops = read_labelled(label_set, ["background", "left eye"], "cats", 20, 20, skipped)
    assert [crop.name for crop in crops] == ["cats/1"]
    assert skipped == ["cats/2", "cats/3", "cats/4"]


def test_pictures_without_a_subject_are_left_out_and_named(
    squares: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blind:
        def find(self, photo: np.ndarray) -> list[Subject]:
            raise NoSubject("none")

    skipped: list[str] = []
    labels, parts = LabelSet.open(squares, squares), ["background", "left eye"]
    monkeypatch.setattr(labelled, "make_detector", lambda domain, **_: Blind())
    with pytest.raises(BadImage, match="No subject is found in any of the 1"):
        read_labelled(labels, parts, "cats", 20, 20, skipped)
    assert skipped == ["cats/1"]


def test_sides_of_faces_are_put_right(squares: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in CelebAMask-HQ, where some maps were mirrored without their names: here the left eye
    lies on the right, where a face that looks at us has it, and then the other way round."""

    class Sees:
        def find(self, photo: np.ndarray) -> list[Subject]:
            height, width = photo.shape[:2]
            return [Subject(CropFrame.of_whole(width, height), 1.0)]

    monkeypatch.setattr(labelled, "make_detector", lambda domain, **_: Sees())
    parts = ["background", "left eye", "right eye"]
    for classes in ('["background", "right_eye", "left eye"]', '["background", "l_eye", "r_eye"]'):
        (squares / "classes.json").write_text(classes)
        (crop,) = read_labelled(LabelSet.open(squares, squares), parts, "faces", 20, 20, [])
        assert crop.labels[7, 5] == 2 and crop.labels[7, 15] == 1


@pytest.mark.parametrize("folder", SETS, ids=lambda f: f.name)
def test_the_sets_in_the_repository_fit_their_model_cards(folder: Path) -> None:
    card = read_card(BUILTIN / f"{folder.name}.card.json")
    labels = LabelSet.open(folder, folder)
    names = [part.name for part in card.parts]
    assert set(names) <= set(labels.classes)
    assert 16 <= len(labels.names()) <= 40
    seen = np.zeros(len(names), int)
    for name in labels.names():
        found = as_parts(labels.map(name), labels.classes, names)
        assert (found != UNLABELLED).mean() > 0.8
        seen += [(found == part.index).any() for part in card.parts]
    once = 10 if folder.name == "cars" else 15  # no car shows its front and its back
    assert seen.min() >= once, dict(zip(names, seen, strict=True))


@pytest.mark.parametrize("folder", SETS, ids=lambda f: f.name)
def test_no_picture_that_is_held_out_of_training_is_labelled(folder: Path) -> None:
    held = Path(f"backend/evaluation/held_out_{folder.name}.txt").read_text().split()
    labelled = LabelSet.open(folder, folder).names()
    assert not {Path(name).with_suffix("").as_posix() for name in held} & set(labelled)


@pytest.mark.parametrize("folder", [f for f in SETS if f.name != "cars"], ids=lambda f: f.name)
def test_left_parts_lie_on_the_right_of_the_picture(folder: Path) -> None:
    """Left and right are the subject's own."""
    labels = LabelSet.open(folder, folder)
    for name in labels.names():
        found = labels.map(name)
        left, right = (
            np.mean(np.nonzero(found == labels.classes.index(f"{side} eye"))[1])
            for side in ("left", "right")
        )
        assert left > right, name


@pytest.mark.parametrize("name", ["faces", "cats", "cars"])
def test_a_card_groups_only_parts_that_it_has(name: str) -> None:
    card: Card = read_card(BUILTIN / f"{name}.card.json")
    names = {part.name for part in card.parts}
    assert card.parts[0].name == "background"
    assert set(card.large) <= names
    assert all(set(group) <= names for group in card.groups.values())
    assert len({part.color for part in card.parts}) == len(card.parts)


def test_a_card_that_lacks_something_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps({"title": "Faces"}))
    with pytest.raises(BadBundle, match="domain"):
        read_card(path)
