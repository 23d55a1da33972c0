"""Parts as an indexed PNG, through the hands of paint programs, and back as part layers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from backend.errors import BadImage, NothingChanged, WrongBundle
from backend.photos.label_file import (
    OUTSIDE,
    LabelMeaning,
    LabelNote,
    label_map,
    painted_layers,
    read_labels,
    read_note,
    write_labels,
)
from backend.photos.parts import PartMask


@dataclass(frozen=True)
class Part:
    name: str
    index: int
    color: tuple[int, int, int]


PARTS = [
    Part("background", 0, (0, 0, 0)),  # black is taken: outside must be another colour
    Part("skin", 1, (240, 190, 150)),
    Part("nose", 2, (250, 130, 60)),
]
MEANING = LabelMeaning("faces", PARTS, level="fast")
SIZE = (60, 40)


@pytest.fixture
def labels() -> NDArray[np.uint8]:
    """Background, with skin and a nose, in a frame that ends before the photo does."""
    found = np.full((40, 60), OUTSIDE, np.uint8)
    found[4:36, 10:50] = 0
    found[8:32, 18:42] = 1
    found[16:24, 28:32] = 2
    return found


def masks_of(labels: NDArray[np.uint8]) -> list[PartMask]:
    """Each part's tight mask, as the editor draws them."""
    masks = []
    for part in PARTS:
        ys, xs = np.nonzero(labels == part.index)
        y, x = ys.min(), xs.min()
        alpha = (labels == part.index)[y : ys.max() + 1, x : xs.max() + 1].astype(np.uint8) * 255
        masks.append(PartMask(part.name, part.index, part.color, int(x), int(y), alpha))
    return masks


def test_the_palette_index_is_the_part(tmp_path: Path, labels: NDArray[np.uint8]) -> None:
    path = tmp_path / "parts.png"
    write_labels(labels, MEANING, path)
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("P", SIZE)
        assert np.array_equal(np.asarray(image), labels)
        palette = np.reshape(image.getpalette(), (-1, 3))
        assert "background, skin, nose" in image.info["Description"]
    for part in PARTS:
        assert tuple(palette[part.index]) == part.color
    assert tuple(palette[OUTSIDE]) not in {part.color for part in PARTS}
    note = read_note(path)
    assert note.parts == {"0": "background", "1": "skin", "2": "nose"}
    assert (note.bundle, note.level) == ("faces", "fast")


def resave(path: Path, how: str) -> None:
    """What paint programs do to an indexed PNG."""
    with Image.open(path) as image:
        image.load()
        image.info.clear()
        match how:
            case "rgb":
                changed = image.convert("RGB")
            case "rgba":
                changed = image.convert("RGBA")
            case "sorted palette":
                changed = image.convert("RGB").quantize(4)
            case "bmp in disguise":
                changed = image.convert("RGB")
    changed.save(path, "BMP" if how == "bmp in disguise" else "PNG")


@pytest.mark.parametrize("how", ["rgb", "rgba", "sorted palette", "bmp in disguise"])
def test_labels_survive_paint_programs(tmp_path: Path, labels: NDArray[np.uint8], how: str) -> None:
    path = tmp_path / "parts.png"
    write_labels(labels, MEANING, path)
    resave(path, how)
    assert read_note(path) == LabelNote()
    assert np.array_equal(read_labels(path, MEANING, SIZE), labels)


def test_transparent_pixels_are_erased(tmp_path: Path, labels: NDArray[np.uint8]) -> None:
    path = tmp_path / "parts.png"
    write_labels(labels, MEANING, path)
    with Image.open(path) as image:
        pixels = np.array(image.convert("RGBA"))
    pixels[16:24, 28:32] = (12, 34, 56, 0)
    Image.fromarray(pixels).save(path)
    expected = labels.copy()
    expected[16:24, 28:32] = OUTSIDE
    assert np.array_equal(read_labels(path, MEANING, SIZE), expected)


def test_blended_colors_are_listed(tmp_path: Path, labels: NDArray[np.uint8]) -> None:
    path = tmp_path / "parts.png"
    write_labels(labels, MEANING, path)
    with Image.open(path) as image:
        pixels = np.array(image.convert("RGB"))
    pixels[10, 20:23] = (245, 160, 105)
    Image.fromarray(pixels).save(path)
    with pytest.raises(BadImage, match=r"#f5a069 \(3 pixels\).*hard brush"):
        read_labels(path, MEANING, SIZE)


def test_another_bundles_parts_are_refused(tmp_path: Path, labels: NDArray[np.uint8]) -> None:
    path = tmp_path / "parts.png"
    cats = [Part(p.name, p.index, (9, 9, 200 + p.index)) for p in PARTS]
    write_labels(labels, LabelMeaning("cats", cats), path)
    with pytest.raises(WrongBundle, match="'cats'"):
        read_labels(path, MEANING, SIZE)
    resave(path, "rgb")  # without the name, the colours tell
    with pytest.raises(WrongBundle, match="not painted in the colours of the model 'faces'"):
        read_labels(path, MEANING, SIZE)


def test_another_versions_parts_are_refused(tmp_path: Path, labels: NDArray[np.uint8]) -> None:
    path = tmp_path / "parts.png"
    old, new = (LabelMeaning("faces", PARTS, generator=sha) for sha in ("old", "new"))
    write_labels(labels, old, path)
    with pytest.raises(WrongBundle, match=r"another version.*segment the photo again"):
        read_labels(path, new, SIZE)
    assert np.array_equal(read_labels(path, old, SIZE), labels)


def test_other_files_are_refused(tmp_path: Path, labels: NDArray[np.uint8]) -> None:
    path = tmp_path / "parts.png"
    write_labels(labels, MEANING, path)
    with pytest.raises(BadImage, match="60 x 40 pixels but the photo has 61 x 40"):
        read_labels(path, MEANING, (61, 40))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BadImage, match="cut short"):
        read_labels(path, MEANING, SIZE)
    with pytest.raises(BadImage, match="no file"):
        read_labels(tmp_path / "none.png", MEANING, SIZE)
    with pytest.raises(BadImage, match=r"\.png"):
        write_labels(labels, MEANING, tmp_path / "parts.jpg")


def test_labels_of_masks(labels: NDArray[np.uint8]) -> None:
    assert np.array_equal(label_map(masks_of(labels), *SIZE), labels)


def layer_alphas(labels: NDArray[np.uint8], after: NDArray[np.uint8]) -> dict[str, NDArray]:
    """The painted layers' alphas over the whole photo."""
    found = {}
    for layer in painted_layers(masks_of(labels), labels, after):
        h, w = layer.alpha.shape
        found[layer.part] = np.zeros((40, 60), np.uint8)
        found[layer.part][layer.y : layer.y + h, layer.x : layer.x + w] = layer.alpha
    return found


def test_painting_adds_to_one_layer_and_leaves_the_others(labels: NDArray[np.uint8]) -> None:
    after = labels.copy()
    after[16:24, 24:28] = 2
    found = layer_alphas(labels, after)
    assert np.array_equal(found["nose"] > 0, after == 2)
    assert np.array_equal(found["skin"] > 0, labels == 1)  # painted over, not erased
    assert np.array_equal(found["background"] > 0, labels == 0)


def test_painting_outside_color_erases(labels: NDArray[np.uint8]) -> None:
    after = labels.copy()
    after[16:20, 28:32] = OUTSIDE
    found = layer_alphas(labels, after)
    assert np.array_equal(found["nose"] > 0, after == 2)
    assert np.array_equal(found["skin"] > 0, labels == 1)


def test_nothing_repainted(labels: NDArray[np.uint8]) -> None:
    with pytest.raises(NothingChanged):
        painted_layers(masks_of(labels), labels, labels.copy())
