"""The face parser learns from labelled photographs, and goes on where it was interrupted."""

import argparse
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from backend.bundles import find_bundle
from backend.bundles.bundle import read_bundle
from backend.bundles.networks import load_networks
from backend.commands.train import parser as command
from backend.errors import BadImage
from backend.evaluation.held_out import held_out_names
from backend.models.parser import CLASSES
from backend.training import parser as training
from backend.training.face_parts import MARGIN, SIDE, FaceParts
from backend.training.labelled import UNLABELLED
from backend.training.photographic import augmented, covered, framed

LEFT, RIGHT, NOSE = (CLASSES.index(n) for n in ("left eye", "right eye", "nose"))


@pytest.fixture
def face() -> tuple[np.ndarray, np.ndarray]:
    """A crop of two halves with an eye in each."""
    labels = np.full((SIDE, SIDE), CLASSES.index("skin"), np.uint8)
    labels[150:170, 90:130], labels[150:170, 250:290] = RIGHT, LEFT
    labels[190:230, 180:200] = NOSE
    image = np.full((SIDE, SIDE, 3), 120, np.uint8)
    image[labels == LEFT] = 250
    return image, labels


def test_augmentation_keeps_picture_and_labels_together(face: tuple) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        image, labels = framed(*face, 128, rng)
        bright = image.mean(axis=2) > 200
        left, right = labels == LEFT, labels == RIGHT
        eye = left if (bright & left).sum() > (bright & right).sum() else right
        union = (bright | eye).sum()
        assert (bright & eye).sum() / union > 0.7
        columns = np.nonzero(left)[1].mean(), np.nonzero(right)[1].mean()
        assert columns[0] > columns[1]  # also in a mirror image


def test_augmented_faces_are_pictures_and_their_labels_classes(face: tuple) -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        image, labels = augmented(*face, 96, rng)
        assert image.shape == (96, 96, 3) and image.dtype == labels.dtype == np.uint8
        assert set(np.unique(labels)) <= {*range(len(CLASSES)), UNLABELLED}


def test_what_covers_a_face_is_labelled(face: tuple) -> None:
    rng = np.random.default_rng(1)
    occluder = CLASSES.index("occluder")
    for _ in range(20):
        image, labels = framed(*face, 128, rng)
        after, named = covered(image, labels, rng)
        hidden = named == occluder
        assert (named[~hidden] == labels[~hidden]).all()
        far = cv2.dilate(hidden.astype(np.uint8), np.ones((31, 31))) == 0
        assert cv2.absdiff(after, image)[far].max() <= 2  # a shadow's last trace


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """The portrait five times, the face labelled as skin, all else as hair; one is kept out."""
    folder = tmp_path / "labelled"
    folder.mkdir()
    photo = cv2.resize(cv2.imread("assets/portrait.png"), (512, 512))
    labels = np.full(photo.shape[:2], 1, np.uint8)
    cv2.ellipse(labels, (256, 256), (120, 170), 0, 0, 360, (0,), -1)
    (folder / "classes.json").write_text(json.dumps(["skin", "hair"]))
    for name in ("a", "b", "c", "d", held_out_names(training.HELD_OUT)[0]):
        cv2.imwrite(str(folder / f"{name}.png"), photo)
        cv2.imwrite(str(folder / f"{name}_parts.png"), labels)
    return folder


def test_a_parser_is_trained_resumed_and_written_into_the_bundle(
    tmp_path: Path, labelled: Path
) -> None:
    shutil.copytree(find_bundle("faces").folder, tmp_path / "faces")
    words = argparse.ArgumentParser()
    command.add_arguments(words)
    words.set_defaults(quiet=True)
    given = ["--bundle", tmp_path / "faces", "--images", labelled, "--batch", 2]

    def train(run: str, steps: int) -> dict[str, object]:
        arguments = [*given, "--run", tmp_path / run, "--steps", steps]
        return command.run(words.parse_args([str(w) for w in arguments]))

    report = train("run", 2)
    assert report.photos == 1 and 0 <= report.six["skin"] <= 1
    assert "mean of the six" in command.describe(report)
    done = torch.load(tmp_path / "run" / "parser.pt", weights_only=True)["done"]
    train("run", 3)
    state = torch.load(tmp_path / "run" / "parser.pt", weights_only=True)
    assert (done, state["done"]) == (2, 3)
    bundle = read_bundle(tmp_path / "faces")
    assert bundle.has("parser") and bundle.verify() == []
    assert load_networks(bundle, torch.device("cpu")).parser is not None


def test_crops_without_their_margin_are_the_products(tmp_path: Path, labelled: Path) -> None:
    data = FaceParts.of(labelled, tmp_path / "crops", quiet=True)
    image, labels = data.without_margin(0, 256)
    assert image.shape == (256, 256, 3) and labels.shape == (256, 256)
    inner = SIDE / MARGIN
    assert abs((labels == 1).mean() - (data.labels[0][32:-32, 32:-32] == 1).mean()) < 0.01
    assert inner == SIDE - 64


def test_photos_that_cannot_be_used_are_named_and_maps_of_another_size_refused(
    tmp_path: Path, labelled: Path
) -> None:
    photo = (labelled / "b.png").read_bytes()
    (labelled / "b.png").write_bytes(photo[: len(photo) // 2])
    for name, picture in (("c", np.zeros((20, 20, 3), np.uint8)), ("c_parts", np.zeros((20, 20)))):
        cv2.imwrite(str(labelled / f"{name}.png"), picture)
    data = FaceParts.of(labelled, tmp_path / "crops", quiet=True)
    assert data.skipped == ("b", "c") and len(data.names) == len(data.images) == 3
    again = FaceParts.of(labelled, tmp_path / "crops", quiet=True)
    assert (again.names, again.skipped) == (data.names, data.skipped)

    cv2.imwrite(str(labelled / "d.png"), np.zeros((100, 100, 3), np.uint8))
    with pytest.raises(BadImage, match="'d' has not the size of its photo: 512 x 512 and 100"):
        FaceParts.of(labelled, tmp_path / "others", quiet=True)
