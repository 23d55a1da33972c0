"""What the parser sees becomes the bundle's parts, and what covers the face is told apart."""

import numpy as np
import pytest

from backend.bundles import find_bundle
from backend.bundles.bundle import Part
from backend.editing.photo_parts import PhotoParts, as_parts, covering
from backend.models.parser import CLASSES

S = 256


@pytest.fixture
def seen() -> dict[str, np.ndarray]:
    """A face of skin that fills the crop, sure of itself."""
    maps = {name: np.zeros((S, S), np.float32) for name in CLASSES}
    maps["skin"] += 1
    return maps


def put(maps: dict[str, np.ndarray], name: str, box: tuple[slice, slice]) -> None:
    for other in maps.values():
        other[box] = 0
    maps[name][box] = 1


def test_each_class_becomes_the_part_that_shows_it(seen: dict) -> None:
    bundle = find_bundle("faces")
    expected = {"left eye": "left eye", "mouth inside": "mouth interior", "cloth": "clothes"}
    expected |= {"hat": "clothes", "occluder": "background", "right ear": "right ear"}
    for row, name in enumerate(expected):
        put(seen, name, (slice(row * 20, row * 20 + 20), slice(0, 20)))
    labels = as_parts(seen, bundle.parts).argmax(0)
    for row, part in enumerate(expected.values()):
        assert bundle.parts[labels[row * 20 + 10, 10]].name == part


def test_a_bundle_of_other_parts_gets_the_nearest(seen: dict) -> None:
    parts = [Part(n, i, (0, 0, 0)) for i, n in enumerate(("background", "face", "eyes"))]
    put(seen, "right eye", (slice(0, 9), slice(0, 9)))
    put(seen, "hair", (slice(20, 29), slice(0, 9)))
    found = as_parts(seen, parts)
    assert found[2, 4, 4] == 1 and found[0, 24, 4] == 1 and found[1, 100, 100] == 1


def test_glasses_show_what_is_behind_them(seen: dict) -> None:
    box = (slice(80, 120), slice(40, 110))
    put(seen, "eye glasses", box)
    seen["eye glasses"][box], seen["right eye"][box] = 0.8, 0.2
    bundle = find_bundle("faces")
    found = as_parts(seen, bundle.parts)
    assert found[bundle.part("right eye").index, 100, 75] == pytest.approx(1)


def test_an_eye_behind_glasses_is_as_large_as_it_is_seen(seen: dict) -> None:
    """Around it the parser sees glasses, hardly any skin, and a trace of the eye."""
    box, eye = (slice(80, 120), slice(40, 110)), (slice(95, 105), slice(60, 90))
    put(seen, "eye glasses", box)
    seen["eye glasses"][box], seen["right eye"][box], seen["skin"][box] = 0.96, 0.03, 0.01
    seen["eye glasses"][eye], seen["right eye"][eye], seen["skin"][eye] = 0.1, 0.9, 0
    bundle = find_bundle("faces")
    found = as_parts(seen, bundle.parts)
    assert found.sum(axis=0) == pytest.approx(1)
    shown = found.argmax(axis=0) == bundle.part("right eye").index
    assert shown[eye].all() and shown.sum() == 10 * 30


def test_rims_cover_a_face_and_clear_lenses_do_not(seen: dict) -> None:
    seen["nose"][100:160, 118:138] = 1
    for name, columns in (("right eye", slice(50, 80)), ("left eye", slice(176, 206))):
        put(seen, "eye glasses", (slice(80, 125), slice(columns.start - 20, columns.stop + 20)))
        put(seen, name, (slice(97, 108), columns))
    cover = covering(seen)
    assert cover[102, 65] == cover[102, 190] == 0  # the eyes
    assert cover[90, 65] == 0 and cover[81, 65] == 1  # the lens, the rim
    assert cover[200, 65] == 0


def test_dark_glasses_cover_all_that_lies_behind(seen: dict) -> None:
    seen["nose"][100:160, 118:138] = 1
    put(seen, "eye glasses", (slice(80, 125), slice(30, 226)))
    assert (covering(seen)[85:120, 35:220] == 1).all()


def test_things_before_a_face_cover_it(seen: dict) -> None:
    for row, name in enumerate(("occluder", "hat", "earring")):
        put(seen, name, (slice(row * 20, row * 20 + 20), slice(0, 20)))
    cover = covering(seen)
    assert (cover[:60, :20] == 1).all() and cover[100, 100] == 0


def test_parts_at_another_size() -> None:
    maps = np.zeros((3, S, S), np.float32)
    maps[1, :, : S // 2], maps[0, :, S // 2 :] = 1, 1
    half = PhotoParts(maps, maps[0], maps[1], maps[1]).at(64)
    assert half.parts.shape == (3, 64, 64) and half.covered.shape == (64, 64)
    assert (half.labels[:, :32] == 1).all() and (half.labels[:, 32:] == 0).all()
