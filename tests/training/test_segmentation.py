"""The segmentation branch learns from labelled pictures, and is scored on others."""

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
from backend.commands.train import segmentation
from backend.models.config import GeneratorConfig
from backend.models.generator import Generator
from backend.training import segmentation as segmentation_training
from backend.training.heads import train_heads
from backend.training.labelled import UNLABELLED, LabelledCrop
from backend.training.segmentation import choose_held_back, intersection_over_union


def crop_of(labels: list[int], labelled: list[bool] | None = None) -> LabelledCrop:
    values = np.array([labels], np.uint8)
    flags = np.ones_like(values, bool) if labelled is None else np.array([labelled])
    return LabelledCrop("", np.zeros((1, 1, 3), np.float32), flags, values, flags)


def test_pictures_held_back_show_rare_parts_but_not_all_of_them() -> None:
    crops = [crop_of([0, 1])] * 6 + [crop_of([0, 2])] * 3 + [crop_of([0, 1, 3])] * 3
    back = choose_held_back(crops, 4, 4)
    assert len(back) == len(set(back)) == 4
    for part, most in ((2, 2), (3, 2)):
        shown = sum(part in crops[i].labels for i in back)
        assert 1 <= shown <= most


def test_intersection_over_union_counts_labelled_pixels_only() -> None:
    crops = [crop_of([0, 0, 1, 1], [True, True, True, False]), crop_of([1, 1, 0, 0])]
    found = [np.array([[0, 1, 1, 0]], np.uint8), np.array([[1, 1, 0, 0]], np.uint8)]
    iou = intersection_over_union(found, crops, 3)
    assert iou[:2] == [pytest.approx(3 / 4), pytest.approx(3 / 4)]
    assert np.isnan(iou[2])


def test_heads_speak_of_pictures_not_of_the_pixels_drawn() -> None:
    """Two classes that cannot be told apart, drawn equally often; one is nine times commoner."""
    torch.manual_seed(0)
    rows, labels = torch.zeros(400, 3), torch.arange(400) % 2
    prior = torch.tensor([9.0, 1.0]).log()
    heads = train_heads(rows, labels, prior, heads=2, steps=60)
    with torch.no_grad():
        chance = heads(torch.zeros(2, 1, 3)).softmax(-1)[..., 0]
    torch.testing.assert_close(chance, torch.full_like(chance, 0.9), atol=0.05, rtol=0)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three copies of the portrait with bands of parts that have no left and right; a class that is
    no part; an unlabelled corner."""
    folder = tmp_path / "labelled"
    folder.mkdir()
    names = [part.name for part in find_bundle("faces").parts]
    (folder / "classes.json").write_text(json.dumps([*names, "hat"]))
    photo = cv2.imread("assets/portrait.png")
    labels = np.full(photo.shape[:2], names.index("hair"), np.uint8)
    labels[: photo.shape[0] // 3] = 1
    labels[:5], labels[5:10, :50] = len(names), UNLABELLED
    for i in range(3):
        cv2.imwrite(str(folder / f"{i}.png"), photo)
        cv2.imwrite(str(folder / f"{i}_parts.png"), labels)
    return folder


def test_a_branch_learns_from_labelled_pictures(tmp_path: Path, labelled: Path) -> None:
    shutil.copytree(find_bundle("faces").folder, tmp_path / "faces")
    codes, sheet = tmp_path / "codes.safetensors", tmp_path / "sheet.png"
    parser = argparse.ArgumentParser()
    segmentation.add_arguments(parser)
    parser.set_defaults(quiet=True)
    words = ["--bundle", tmp_path / "faces", "--images", labelled, "--steps", 50]
    words += ["--held-back", 1, "--embedding-steps", 2, "--codes", codes, "--sheet", sheet]
    args = parser.parse_args([str(w) for w in words])
    report = segmentation.run(args)
    assert report.pictures == 3 and report.held_back == ["0"]
    assert report.iou["skin"] > 0.7 and report.iou["hair"] > 0.7
    assert report.mean_iou > 0.7 and "mean" in segmentation.describe(report)
    assert cv2.imread(str(sheet)).shape == (256, 4 * 256, 3)
    bundle = read_bundle(tmp_path / "faces")
    assert bundle.verify() == []
    load_networks(bundle, torch.device("cpu"))
    written, args.steps = codes.stat().st_mtime_ns, 1
    segmentation.run(args)
    assert codes.stat().st_mtime_ns == written  # nothing was embedded again


def test_a_card_gives_a_bundle_other_parts(tmp_path: Path, labelled: Path) -> None:
    shutil.copytree(find_bundle("faces").folder, tmp_path / "faces")
    names = ["background", "top", "bottom", "hat"]
    (labelled / "classes.json").write_text(json.dumps(names))
    for path in labelled.glob("*_parts.png"):
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        values = [2 if part.name == "hair" else 1 for part in find_bundle("faces").parts]
        table = np.array([*values, 3], np.uint8)
        labels[labels < UNLABELLED] = table[labels[labels < UNLABELLED]]
        cv2.imwrite(str(path), labels)
    card = {"title": "t", "domain": "faces", "crop": "ffhq", "license": "l", "source": "s"}
    card["parts"] = [{"name": name, "color": [0, 0, i]} for i, name in enumerate(names)]
    card |= {"large_parts": ["top"], "groups": {"all": ["top", "bottom"]}}
    (tmp_path / "card.json").write_text(json.dumps(card))
    parser = argparse.ArgumentParser()
    segmentation.add_arguments(parser)
    parser.set_defaults(quiet=True)
    words = ["--bundle", tmp_path / "faces", "--images", labelled, "--steps", 5, "--held-back", 1]
    words += ["--embedding-steps", 1, "--card", tmp_path / "card.json"]
    segmentation.run(parser.parse_args([str(w) for w in words]))
    bundle = read_bundle(tmp_path / "faces")
    assert [part.name for part in bundle.parts] == names
    assert bundle.large == ("top",) and bundle.groups == {"all": ("top", "bottom")}
    assert load_networks(bundle, torch.device("cpu")).segmentation.classes == 4


def test_of_large_generators_fewer_pixels_are_learned_from() -> None:
    """Features of all crops together keep within what memory is meant for, and no part is lost."""
    config = GeneratorConfig(16, channel_base=128, channel_max=8, z_dim=8, w_dim=8)
    generator = Generator(config).eval()
    labels = np.zeros((16, 16), np.uint8)
    labels[:8], labels[0, :2] = 1, 2
    flags = np.ones_like(labels, bool)
    crop = LabelledCrop("", np.zeros((16, 16, 3), np.float32), flags, labels, flags)
    code = generator.map(torch.randn(1, 8))
    counts = {}
    for most in (1000, 40, 1):
        places, drawn = segmentation_training.drawn_pixels(crop, most)
        assert (torch.from_numpy(crop.labels).flatten()[places] == drawn).all()
        counts[most] = drawn.bincount(minlength=3).tolist()
        rows = segmentation_training.features_at(generator, [code], [places], len(crop.labels))
        assert rows.shape == (len(drawn), sum(config.feature_channels))
    assert counts[1000] == [56, 56, 2]  # 5 for each square root, all of what there is
    assert sum(counts[40]) <= 40 and counts[40][0] > 3 * counts[40][2] > 0
    assert counts[1] == [1, 1, 1]
