"""The lists of photos that are kept out of training."""

from backend.evaluation.held_out import hard_photos, held_out_names


def test_hard_photos_are_kept_out_too() -> None:
    names = held_out_names("face_parts") or []
    hard = hard_photos("face_parts")
    assert {"beard", "child", "dark-skin", "glasses", "hidden", "old", "turned"} <= hard.keys()
    assert all(set(photos) <= set(names) for photos in hard.values())
    assert all(len(set(photos)) == len(photos) >= 2 for photos in hard.values())
    assert hard_photos("anything else") == {}
