"""Scenes to learn finding from, and a head that learns."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from backend.models.subject_map import SubjectHead, cell_centres, decode, encode
from backend.training.detector import head_loss, train_head
from backend.training.scenes import Scenes


@pytest.fixture
def scenes(tmp_path: Path) -> Scenes:
    """Red pictures are subjects, blue ones are not."""
    for name, color in (("red", (0, 0, 255)), ("blue", (255, 0, 0))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((60, 80, 3), color, np.uint8))
    return Scenes([tmp_path / "red.png"], [tmp_path / "blue.png"], 0)


def test_subjects_lie_where_their_frames_say(scenes: Scenes) -> None:
    counts = set()
    for number in range(30):
        scene = scenes(number)
        counts.add(len(scene.frames))
        assert np.array_equal(scene.picture, scenes(number).picture)
        for frame in scene.frames:
            x, y = frame.quad.mean(axis=0).astype(int).clip(0, 191)
            red, _, blue = scene.picture[y, x].astype(int)
            grey = np.ptp(scene.picture[y, x].astype(int)) < 40  # a scene without colours
            assert red > blue or grey
    assert counts == {0, 1, 2}


def test_a_head_learns_what_it_is_taught() -> None:
    torch.manual_seed(0)
    centres = cell_centres(8, 8)
    heats, rests, cells = [], [], []
    for i in range(48):
        centre = torch.tensor([20.0 + 11 * (i % 8), 20.0 + 13 * (i // 8)])
        heat, rest = encode(centres, centre, torch.tensor([40.0, 0.0]))
        heats.append(heat)
        rests.append(rest)
        seen = torch.zeros(SubjectHead.inputs, 8, 8)
        seen[:5], seen[5] = rest, 3 * heat
        cells.append(seen)
    data = torch.stack(cells), torch.stack(heats), torch.stack(rests)
    untrained = head_loss(SubjectHead()(data[0]), *data[1:])
    head = train_head(data, 30, quiet=True)
    assert head_loss(head(data[0]), *data[1:]) < 0.3 * untrained
    found = decode(head(data[0][10:11])[0], 0.5)
    assert found.centre[0].tolist() == pytest.approx([42, 33], abs=8)
