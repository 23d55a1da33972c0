"""The smile scorer: ratings are read, the scorer follows people, and says how well."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.errors import BadImage
from backend.evaluation.photo_set import PhotoSet
from backend.evaluation.smile import SmileScorer, calibrate, read_ratings
from backend.evaluation.store import Store


class BrightnessMesh:
    """An observer for which bright pictures smile; black ones show no face."""

    name = "Brightness"

    smile_name = "Brightness, mean"

    def smile(self, crop: np.ndarray) -> float:
        return float("nan") if crop.max() < 5 else crop.mean() / 255


class Squares:
    """What an album needs of an editor whose subjects are whole pictures."""

    def __init__(self) -> None:
        from types import SimpleNamespace

        from backend.photos.detect import CentreDetector

        self.bundle = SimpleNamespace(resolution=16, domain="squares")
        self.find_subjects = CentreDetector().find


@pytest.fixture
def photo_set(tmp_path: Path) -> PhotoSet:
    """120 grey squares in `rated/`, the brighter the happier, with noise; three more elsewhere."""
    rng = np.random.default_rng(0)
    rows = ["stimulus,happy,age"]
    for folder in ("rated", "other"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
    for i in range(120):
        grey = int(rng.integers(20, 255))
        rating = np.clip(grey / 2.55 + rng.normal(0, 8), 0, 100)
        cv2.imwrite(str(tmp_path / f"photos/rated/{i}.png"), np.full((40, 40, 3), grey, np.uint8))
        rows.append(f"{i},{rating:.3f},30")
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"photos/other/{i}.png"), np.zeros((40, 40, 3), np.uint8))
    (tmp_path / "ratings.csv").write_text("\n".join(rows))
    return PhotoSet(Squares(), tmp_path / "photos", Store(tmp_path / "store"), quiet=True)


def test_ratings_belong_to_the_folder_that_has_most(photo_set: PhotoSet, tmp_path: Path) -> None:
    held = [f"rated/{i}.png" for i in range(40)] + ["other/1.png"]
    ratings = read_ratings(tmp_path / "ratings.csv", photo_set, held)
    assert set(ratings.held) == set(held) - {"other/1.png"}
    assert len(ratings.fit) == 80 and not set(ratings.fit) & set(held)
    assert all(name.startswith("rated/") for name in ratings.values)


def test_without_a_list_a_fifth_is_held_back(photo_set: PhotoSet, tmp_path: Path) -> None:
    ratings = read_ratings(tmp_path / "ratings.csv", photo_set, None)
    assert (len(ratings.fit), len(ratings.held)) == (96, 24)


def test_the_scorer_follows_people(photo_set: PhotoSet, tmp_path: Path) -> None:
    ratings = read_ratings(tmp_path / "ratings.csv", photo_set, None)
    scorer, how = calibrate(BrightnessMesh(), photo_set, ratings)
    assert how.accuracy > 0.8 > how.majority and how.correlation > 0.8
    assert (how.fitted_on, how.tried_on) == (96, 24)
    dark, bright, black = (np.full((16, 16, 3), v, np.uint8) for v in (40, 250, 0))
    scores = scorer.score([dark, bright, black])
    assert scores[0] < 0.25 and scores[1] > 0.75 and scores[2] == 0


def test_smiles_of_rated_photos_are_kept(photo_set: PhotoSet, tmp_path: Path) -> None:
    ratings = read_ratings(tmp_path / "ratings.csv", photo_set, None)
    first = calibrate(BrightnessMesh(), photo_set, ratings)[1]
    blind = BrightnessMesh()
    blind.smile = None  # type: ignore[assignment, method-assign]
    assert calibrate(blind, photo_set, ratings)[1] == first


def test_more_of_a_smile_is_never_less_of_a_score() -> None:
    rng = np.random.default_rng(0)
    smiles = rng.random(200)
    scorer = SmileScorer(BrightnessMesh(), smiles, smiles + rng.normal(0, 0.2, 200) > 0.5)
    probabilities = scorer.probability(np.linspace(0, 1, 50))
    assert (np.diff(probabilities) > 0).all()


@pytest.mark.parametrize(
    "text", ["", "stimulus,age\n1,30", "stimulus,happy\n1,glad", "stimulus,happy\n1,50\n2,60"]
)
def test_other_tables_are_refused(photo_set: PhotoSet, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(BadImage, match=r"bad\.csv"):
        read_ratings(tmp_path / "bad.csv", photo_set, None)
