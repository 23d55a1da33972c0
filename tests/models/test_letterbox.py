"""Grey bars are found, and nothing else is taken for one."""

import torch

from backend.models.letterbox import GREY, letterboxed, shown_area
from backend.models.pictures import to_float


def test_bars_are_what_is_grey_all_along_at_the_edges() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(3, 3, 16, 16) * 2 - 1
    grey = to_float(torch.tensor(GREY))
    pictures[0, :, :3] = pictures[0, :, 14:] = grey + 0.02  # compressed
    pictures[1, :, :, :2] = pictures[1, :, 7:9] = grey  # a grey line in the middle is none
    area = shown_area(pictures)
    assert area.shape == (3, 1, 16, 16) and area[2].all()
    assert area[0, 0].all(dim=1).tolist() == [3 <= i < 14 for i in range(16)]
    assert area[1, 0].all(dim=0).tolist() == [i >= 2 for i in range(16)]
    again = letterboxed(pictures, area)
    assert torch.equal(again[2], pictures[2]) and torch.allclose(again[0, :, :3], grey, atol=1e-6)
    assert torch.equal(again[0, :, 3:14], pictures[0, :, 3:14])
    assert not shown_area(torch.full((1, 3, 8, 8), float(grey))).any()


def test_bars_of_the_aspect_count_as_grey() -> None:
    pictures = torch.rand(1, 3, 16, 16)
    pictures[:, :, :2] = pictures[:, :, 14:] = -1
    pictures[:, :, 2:5] = to_float(torch.tensor(GREY))
    area = shown_area(pictures, 4 / 3)
    assert area[0, 0].all(dim=1).tolist() == [5 <= i < 14 for i in range(16)]
    assert shown_area(pictures).all()  # without bars, black is a picture's own
