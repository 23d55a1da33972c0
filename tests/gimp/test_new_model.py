"""New Model: a generator gets parts by painting on its own pictures, all within GIMP."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
import pytest
from gi.repository import Gimp
from gimp_helpers import SEGMENT, alpha, failed, fill, load, parts_by_size, succeeded, walk
from gimp_windows import finish, insist, screenshot, user, wait_for

from protocol import messages as m
from protocol import paths
from protocol.client import Connection

Call = Callable[..., Gimp.ValueArray]
NEW_MODEL, LABEL = "plug-in-editgan-new-model", "plug-in-editgan-label"
ASK = Gimp.RunMode.INTERACTIVE
TITLE = "EditGAN: New Model"
PICTURES = os.environ.get("EDITGAN_TEST_PICTURES")


@pytest.fixture
def generator(order: Callable[[str], None]) -> Iterator[Path]:
    """The folder of a small model `tiny` that has no parts and no encoder."""
    order("generator")
    yield paths.bundles_dir() / "tiny"
    for folder in (paths.bundles_dir(), paths.labels_dir(), paths.data_dir() / "adopting"):
        shutil.rmtree(folder / "tiny", ignore_errors=True)


def in_the_window(call: Call, act: Callable[[], None]) -> dict:
    """Somebody does `act` in the window, which is closed in the end; returns the report."""

    def whole() -> None:
        wait_for(TITLE)
        act()
        finish(TITLE, "alt+c")

    with user(whole):
        return succeeded(call(NEW_MODEL, run_mode=ASK))


def picture(name: str) -> None:
    if PICTURES:
        screenshot(Path(PICTURES) / f"new-model-{name}.png")


def labelled() -> list[Path]:
    return sorted((paths.labels_dir() / "tiny").glob("*_parts.png"))


def times() -> list[int]:
    """When each map was written."""
    return [path.stat().st_mtime_ns for path in labelled()]


def newest() -> Gimp.Image:
    """The picture that was opened last: a key that was pressed twice has opened two."""
    return max(Gimp.get_images(), key=lambda image: image.get_id())


def layer_of(image: Gimp.Image, name: str) -> Gimp.Layer:
    return next(one for one in walk(image.get_layers()) if one.get_name() == name)


def test_a_model_is_made_by_painting(call: Call, generator: Path) -> None:
    card = paths.labels_dir() / "tiny/card.json"

    def name_and_draw() -> None:
        insist(card.is_file, "alt+u")  # the parts of the first template
        picture("parts")
        insist(labelled, "alt+2", "alt+n")
        picture("paint")

    report = in_the_window(call, name_and_draw)
    assert report["bundle"] == "tiny" and report["labelled"] == 0
    parts = [part["name"] for part in json.loads(card.read_text())["parts"]]
    image = newest()
    group = next(one for one in image.get_layers() if one.is_group())
    names = [layer.get_name() for layer in group.get_children()]
    assert len(names) == len(parts) == 11 and names[-1] == "background"
    assert not any(any(alpha(layer)) for layer in group.get_children())  # it knows nothing yet

    # the user paints: left half beak, below it the background, in the corner nothing
    fill(layer_of(image, "background"), (0, 100, 512, 412), True)
    fill(layer_of(image, "beak"), (0, 0, 256, 512), True)

    def save_and_train() -> None:
        before = times()
        insist(lambda: times() != before, "alt+2", "alt+v")
        picture("painted")
        insist((generator / "segmentation.safetensors").is_file, "alt+3", "alt+t")
        picture("trained")

    report = in_the_window(call, save_and_train)
    assert report["labelled"] == 1 and report["ready"] and report["missing"] == ["encoder"]

    def next_one_and_encoder() -> None:
        before = len(labelled())
        insist(lambda: len(labelled()) > before, "alt+2", "alt+n")
        begun = paths.data_dir() / "adopting/tiny"
        insist(begun.is_dir, "alt+3", "alt+e")
        picture("encoder")
        insist((generator / "encoder.safetensors").is_file, "alt+p")  # Stop keeps what there is

    report = in_the_window(call, next_one_and_encoder)
    assert report["missing"] == []
    shown = {layer.get_name() for layer in walk(newest().get_layers()) if any(alpha(layer))}
    assert {"beak", "background"} & shown  # what the model sees is drawn on it, to be corrected

    # and it is a model as others are
    photo = load(Path("assets/portrait.png"))
    segmented = succeeded(call(SEGMENT, photo, photo.get_layers(), bundle="tiny"))
    assert set(segmented["parts"]) == set(parts)


def test_parts_put_right_become_a_label(
    call: Call, segmented: Gimp.Image, kill_backend: Callable[[], None]
) -> None:
    layer = parts_by_size(segmented)[0]
    fill(layer, (0, 0, 4, 4), True)
    before = len(segmented.get_layers())
    report = succeeded(call(LABEL, segmented, None))
    folder = paths.labels_dir() / "faces"
    names = [path.name for path in folder.glob("*_parts.png")]
    assert report["bundle"] == "faces" and report["labelled"] == len(names) == 1
    kill_backend()  # one that has never seen the photo
    report = succeeded(call(LABEL, segmented, None))
    assert [path.name for path in folder.glob("*_parts.png")] == names  # the same photo, once
    assert report["labelled"] == 1
    assert len(segmented.get_layers()) == before
    shutil.rmtree(folder)
    plain = load(Path("assets/portrait.png"))
    assert "Segment Parts first" in failed(call(LABEL, plain, None))


def test_it_is_a_window(call: Call, backend: Connection) -> None:
    assert "is a window" in failed(call(NEW_MODEL))
    own = backend.request(m.ListOwnModels()).models
    assert "faces" not in {model.bundle for model in own}  # built-in ones stay as they are
