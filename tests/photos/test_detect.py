"""Which subject is meant."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import BadImage, NoSubject
from backend.photos.align import CropFrame
from backend.photos.detect import (
    CentreDetector,
    FaceDetector,
    Subject,
    meeting,
    overlap,
    right_way_up,
)
from backend.photos.folder import read_rgb
from protocol.geometry import Rect

GREY = np.full((60, 100, 3), 128, np.uint8)


def test_a_subject_without_detector_fills_the_picture() -> None:
    (found,) = CentreDetector().find(GREY)
    assert found.frame.size == 60
    assert found.frame.quad.mean(axis=0) == pytest.approx([50, 30])


def test_a_selection_says_where_a_subject_without_detector_is() -> None:
    (found,) = CentreDetector().find(GREY, Rect(10, 20, 30, 20))
    assert found.frame.size == 30
    assert found.frame.quad.mean(axis=0) == pytest.approx([25, 30])


@pytest.mark.parametrize(
    ("aspect", "selection", "size"),
    [
        (4 / 3, None, 80),  # 60 high: 80 wide between bars, of 100
        (3 / 4, None, 60),
        (4 / 3, Rect(10, 20, 30, 30), 40),  # what is selected is shown whole
        (4 / 3, Rect(10, 20, 48, 12), 48),
        (1 / 2, Rect(10, 20, 30, 20), 60),
    ],
)
def test_a_crop_with_bars_shows_its_aspect(
    aspect: float, selection: Rect | None, size: float
) -> None:
    (found,) = CentreDetector(aspect).find(GREY, selection)
    assert found.frame.size == pytest.approx(size)


def test_a_model_of_whole_pictures_shows_what_is_not_selected_from_whole() -> None:
    wide = np.zeros((40, 100, 3), np.uint8)
    (everything,) = CentreDetector(4 / 3, whole=True).find(wide)
    assert everything.frame.size == pytest.approx(100)
    assert everything.frame.quad.mean(axis=0) == pytest.approx([50, 20])
    (chosen,) = CentreDetector(4 / 3, whole=True).find(wide, Rect(10, 10, 30, 30))
    assert chosen.frame.size == pytest.approx(40)
    high = np.zeros((90, 60, 3), np.uint8)
    assert CentreDetector(4 / 3, whole=True).find(high)[0].frame.size == pytest.approx(120)


def test_a_tiny_picture_is_refused() -> None:
    with pytest.raises(BadImage, match="too small"):
        CentreDetector().find(np.zeros((20, 20, 3), np.uint8))


def test_the_selection_puts_what_it_meets_most_first() -> None:
    half = np.array([10.0, 0.0])
    left, right = (Subject(CropFrame.from_axes(np.array([x, 30.0]), half), 1) for x in (20, 70))
    assert meeting([left, right], None, 100, 60) == [left, right]
    assert meeting([left, right], Rect(25, 25, 60, 10), 100, 60) == [right, left]
    assert meeting([left, right], Rect(15, 25, 5, 10), 100, 60) == [left]
    with pytest.raises(NoSubject, match="selection"):
        meeting([left, right], Rect(40, 0, 10, 10), 100, 60)


def test_overlap_is_a_share_of_the_smaller() -> None:
    assert overlap(Rect(0, 0, 10, 10), Rect(5, 5, 10, 10)) == 0.25
    assert overlap(Rect(0, 0, 10, 10), Rect(2, 2, 2, 2)) == 1
    assert overlap(Rect(0, 0, 10, 10), Rect(20, 0, 5, 5)) == 0


def test_of_the_ways_up_of_a_face_the_judge_s_is_kept() -> None:
    def at(x: float, half: tuple[float, float]) -> Subject:
        return Subject(CropFrame.from_axes(np.array([x, 30.0]), np.array(half)), 0.99)

    wrong, right, other = at(30, (10, 0)), at(31, (-10, 0)), at(75, (8, 0))

    def judge(_: np.ndarray, frame: CropFrame) -> float:
        return 0.9 if frame is right.frame else 0.4

    assert right_way_up(GREY, [wrong, right, other], judge) == [right, other]


def test_a_photo_upside_down_is_found_the_right_way_up() -> None:
    photo = read_rgb(Path("assets/portrait.png"))
    turned = np.ascontiguousarray(photo[::-1, ::-1])

    def upright_in(image: np.ndarray, seen: list[CropFrame]) -> FaceDetector:
        """A detector whose judge knows that the frame's top should be dark hair."""

        def judge(_: np.ndarray, frame: CropFrame) -> float:
            seen.append(frame)
            down = frame.quad[1] - frame.quad[0]
            return 1.0 if (down[1] > 0) == (image is photo) else 0.1

        return FaceDetector(judge=judge)

    for image, way in ((photo, 1), (turned, -1)):
        asked: list[CropFrame] = []
        found = upright_in(image, asked).find(image)[0].frame
        assert (found.quad[1] - found.quad[0])[1] * way > 0
        assert asked


def test_small_faces_of_a_crowd_are_found() -> None:
    """Where faces are small, a large picture is looked at more closely."""
    portrait = Image.fromarray(read_rgb(Path("assets/portrait.png"))).resize((100, 100))
    crowd = Image.new("RGB", (2000, 1200), "grey")
    places = [(200, 150), (900, 500), (1700, 900)]
    for place in places:
        crowd.paste(portrait, place)
    found = FaceDetector().find(np.asarray(crowd))
    centres = sorted(tuple(one.frame.quad.mean(axis=0)) for one in found)
    assert len(centres) == len(places)
    for (x, y), (left, top) in zip(centres, places, strict=True):
        assert left < x < left + 100 and top < y < top + 100
