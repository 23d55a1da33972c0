from pathlib import Path

from backend.commands.train.presets import learnable
from backend.evaluation.held_out import held_out_names
from backend.photos.folder import photo_name


def test_presets_are_not_learnt_from_what_judges_them() -> None:
    held_out = held_out_names("faces")
    assert held_out is not None
    images = [Path("photos") / held_out[0], Path("photos/faces_omi/0.webp")]
    assert [photo_name(path) for path in learnable(images, "faces")] == ["faces_omi/0.webp"]
    assert learnable(images, "a bundle of one's own") == images
