"""Finding the same photo's subjects again."""

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.editing.finding import Remembering
from backend.errors import NoSubject
from backend.photos.align import CropFrame
from backend.photos.detect import Subject
from protocol.geometry import Rect


class Counting:
    """Finds one subject in every picture that is not black, and counts how often it looks."""

    looks = 0

    def find(self, image: NDArray[np.uint8], selection: Rect | None = None) -> list[Subject]:
        self.looks += 1
        if not image.any():
            raise NoSubject("It is dark.")
        return [Subject(CropFrame.of_whole(image.shape[1], image.shape[0]), 1.0)]


def grey(value: int, height: int = 4, width: int = 6) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def test_a_picture_is_looked_at_once() -> None:
    eyes = Counting()
    detector = Remembering(eyes)
    first = detector.find(grey(9))
    first.clear()  # what a caller does with its list is its own
    assert len(detector.find(grey(9))) == 1 and eyes.looks == 1
    for other in (grey(8), grey(9, 6, 4), grey(9, 3, 8)):
        detector.find(other)
    assert eyes.looks == 4
    detector.find(grey(9), Rect(0, 0, 2, 2))
    assert eyes.looks == 5
    detector.find(grey(9)[:, ::-1])  # the same pixels, not in one piece of memory
    assert eyes.looks == 5


def test_the_pictures_asked_about_last_are_remembered() -> None:
    eyes = Counting()
    detector = Remembering(eyes)
    for value in range(1, 100):
        detector.find(grey(value))
        detector.find(grey(1))
    assert eyes.looks == 99
    detector.find(grey(2))
    assert eyes.looks == 100


def test_where_nothing_was_found_is_looked_again() -> None:
    eyes = Counting()
    detector = Remembering(eyes)
    for _ in range(2):
        with pytest.raises(NoSubject):
            detector.find(grey(0))
    assert eyes.looks == 2
