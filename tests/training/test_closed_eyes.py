"""Pictures whose eyes are shut are listed; what was looked at is not looked at again."""

import json
from pathlib import Path

import numpy as np
import pytest

from backend.cli import main
from backend.commands.train import closed_eyes
from backend.evaluation import face_mesh
from backend.training.aligned_file import AlignedFile


class Shape:
    def __init__(self, blink: float) -> None:
        self.blink = blink


class Mesh:
    """Reads a blink score off a picture's brightness; sees no face in a black one."""

    looked = 0

    def __init__(self, task: Path) -> None:
        pass

    def read(self, picture: np.ndarray) -> Shape | None:
        Mesh.looked += 1
        if Mesh.looked == 3:
            raise KeyboardInterrupt
        return Shape(picture.mean() / 255) if picture.any() else None


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(face_mesh, "FaceMesh", Mesh)
    monkeypatch.setattr(closed_eyes, "check_packages", lambda *names: None)
    Mesh.looked = 0
    with AlignedFile(tmp_path / "aligned", 8) as file:
        for i, grey in enumerate((20, 200, 0, 140)):
            file.add(f"a/{i}.png", np.full((8, 8, 3), grey, np.uint8))
    found = ["train", "closed-eyes", "--images", tmp_path / "aligned", "--landmarker", "none"]
    return [str(word) for word in [*found, "-o", tmp_path / "closed.txt"]]


def test_an_interrupted_list_goes_on(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) != 0 and not (tmp_path / "closed.txt").exists()
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["looked_at"], report["closed"], report["no_face_seen"]) == (4, 2, 1)
    assert (tmp_path / "closed.txt").read_text() == "a/1.png\na/3.png\n"
    looked = Mesh.looked
    assert looked == 5  # one was interrupted
    assert main([*words, "--from", "0.7"]) == 0
    assert (tmp_path / "closed.txt").read_text() == "a/1.png\n" and Mesh.looked == looked
